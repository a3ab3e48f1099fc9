"""`mj.report`: the page of a sweep says what its dataset says, and what it does not draw."""

import dataclasses
import html
import re

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import memjax as mj
from memjax.plots.axes import label_of
from memjax.plots.ranges import range_of
from memjax.report.curves import draw_curves
from memjax.report.ends import at_end, end_text
from memjax.report.finals import draw_finals, finals_table
from memjax.report.layout import layout_of
from memjax.report.selection import axis_facts, is_selection

SPEC = mj.Experiment(
    model=mj.models.MLP(hidden=(2,)),
    optimizer=mj.optimizers.sgd(0.1),
    train_size=8,
    steps=4,
    record_every=2,
    snapshots=(0, 4),
    examples=("correct",),
    measures=("loss", "weight_l2"),
)
OVER = {"learning_rate": [0.1, 1e30], "init_scale": [0.5, 1.0], "data_seed": [0, 1], "init_seed": [0, 1]}


@pytest.fixture(scope="module")
def many():
    return mj.sweep(SPEC, OVER)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


def sections(path):
    """Text below every heading of a page, by the heading."""
    text = re.sub(r"<style>.*?</style>|data:image[^\"]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    parts = re.split(r"<h[12][^>]*>(.*?)</h[12]>", text)
    plain = [" ".join(html.unescape(re.sub(r"<[^>]*>", " ", part)).split()) for part in parts]
    return dict(zip(plain[1::2], plain[2::2], strict=True))


def test_a_page_of_many_axes_says_what_became_of_the_runs_and_what_is_not_shown(many, tmp_path):
    few = many[["weight_l2", "train_count"]]
    found = sections(mj.report(few, tmp_path / "new" / "folder", title="Is 1e30 <too> large?"))
    assert list(found) == [
        "Is 1e30 <too> large?",
        "Setting",
        "What became of the runs",
        "Curves",
        "Final values",
        "What is not shown",
        "Settings and provenance",
        "Make it again",
    ]
    assert found["Is 1e30 <too> large?"].startswith(
        "16 runs of models.MLP(hidden=(2,)) on tasks.RandomLabels(), swept over "
    )
    # What an axis sweeps is not given twice, and what was not chosen stands in the folded part.
    assert "init_scale (swept) 0.5, 1.0" in found["Setting"] and "batch_size" not in found["Setting"]
    assert (
        "batch_size None" in found["Settings and provenance"]
        and "loss 'cross_entropy'" in found["Settings and provenance"]
    )
    runs = found["What became of the runs"]
    diverged = int((many.status == "diverged").sum())
    assert f"Of 16 runs, 8 finished and {diverged} diverged." in runs and diverged == 8
    reason = many.stop_reason.values[many.status.values == "diverged"][0]
    assert f"because {reason}." in runs
    assert "learning rate init scale finished diverged 1e+30 0.5 0 4 1e+30 1 0 4" in runs
    assert "how often a row of the data set stands in the train set" in found["What is not shown"]
    assert "mj.sweep(experiment, over)" in found["Make it again"]


def test_seeds_are_one_axis_and_further_axes_are_fixed_and_named(many):
    layout = layout_of(many.expand_dims(label_noise=[0.0, 0.1, 0.2]).assign_attrs(
        axes=many.attrs["axes"].replace("{", '{"label_noise": [0.0, 0.1, 0.2], ', 1)))  # fmt: skip
    assert (layout.over, layout.time) == ("run", "step") and layout.dataset.sizes["run"] == 4
    assert (layout.lines, layout.panels) == ("label_noise", "learning_rate")
    assert any("init scale = 0.5 only, one of 2 values" in said for said in layout.left_out)
    assert "init_scale" not in layout.drawn.dims and "init_scale" in layout.dataset.dims
    noted = layout_of(many)
    run = noted.drawn.weight_l2.sel(learning_rate=0.1, init_scale=0.5).isel(run=2)
    assert np.array_equal(run, many.weight_l2.sel(learning_rate=0.1, init_scale=0.5, data_seed=1, init_seed=0))


def test_curves_have_the_means_of_the_runs(many):
    layout = layout_of(many.isel(init_scale=[1]))
    drawings = {drawing.name: drawing for drawing in draw_curves(layout)}
    assert list(drawings) == ["curves_loss", "curves_weight_l2"]
    assert drawings["curves_loss"].caption.startswith("Train mean loss and test mean loss against the ")
    train, test = drawings["curves_loss"].figure.axes[:2]
    mean = many.isel(init_scale=1).sel(learning_rate=0.1).mean(["data_seed", "init_seed"])
    assert np.allclose(train.lines[0].get_ydata(), mean.train_loss) and len(train.lines) == 2
    assert np.allclose(test.lines[0].get_ydata(), mean.test_loss)


def test_one_run_has_one_figure_and_a_table_without_intervals(many, tmp_path):
    one = many.isel(learning_rate=0, init_scale=0, data_seed=0, init_seed=0)
    layout = layout_of(one)
    (drawing,) = draw_curves(layout)
    assert [ax.get_ylabel() for ax in drawing.figure.axes] == ["mean loss (nats)", "L2 norm of all parameters"]
    assert np.allclose(drawing.figure.axes[0].lines[1].get_ydata(), one.test_loss)
    (row,) = finals_table(layout).rows
    ends = [float(one[name][-1]) for name in ("train_loss", "test_loss", "weight_l2")]
    assert [float(cell) for cell in row] == pytest.approx(ends, rel=0.01)
    assert list(draw_finals(layout)) == []
    assert sections(mj.report(one, tmp_path))["What became of the runs"] == "The run finished."


def test_values_of_runs_alone_have_no_curves_and_snapshots_have(many, tmp_path):
    last = layout_of(many.isel(step=-1))
    assert list(draw_curves(last)) == [] and last.time == ""
    assert [drawing.name for drawing in draw_finals(last)] == ["final_loss", "final_weight_l2"]
    taken = mj.measure(many, ["weight_l2"])
    layout = layout_of(taken)
    assert layout.time == "snapshot" and [drawing.name for drawing in draw_curves(layout)] == ["curves_weight_l2"]
    assert "measured on snapshots" in sections(mj.report(taken.isel(learning_rate=[0]), tmp_path))["Make it again"]


def test_final_values_are_at_the_end_of_each_run():
    ds = mj.sweep(SPEC, {("steps", "snapshots"): [(4, ()), (8, ())], "seed": [0, 1]})
    ends = at_end(ds, "step")
    assert np.array_equal(ends.weight_l2.sel(steps=4), ds.weight_l2.sel(steps=4, step=4))
    assert np.array_equal(ends.weight_l2.sel(steps=8), ds.weight_l2.sel(steps=8, step=8))
    assert bool(ds.weight_l2.sel(steps=4, step=8).isnull().all())
    heads, rows = finals_table(layout_of(ds)).columns, finals_table(layout_of(ds)).rows
    means = ends.weight_l2.mean("seed").values
    shown = [float(row[heads.index("L2 norm of all parameters")].split()[0]) for row in rows]
    assert shown == pytest.approx(means, rel=0.02)


def test_a_derived_variable_that_keeps_its_label_has_a_column_and_a_figure_of_its_own(many):
    few = many.isel(init_scale=[0], data_seed=[0], init_seed=[0])[["train_loss", "test_loss", "weight_l2"]]
    ds = few.assign(half_loss=(few.train_loss / 2).assign_attrs(few.train_loss.attrs))
    table = finals_table(layout_of(ds))
    names = ["train mean loss (train loss) (nats)", "test mean loss (nats)", "train mean loss (half loss) (nats)"]
    assert [name for name in table.columns if "loss" in name] == names
    (row,) = [row for row in table.rows if row[0] == "0.1"]
    shown = {name: float(cell) for name, cell in zip(table.columns, row, strict=True)}
    last = float(few.train_loss.sel(learning_rate=0.1).isel(step=-1).squeeze())
    assert [shown[names[0]], shown[names[2]]] == pytest.approx([last, last / 2], rel=0.01)
    assert "L2 norm of all parameters" in table.columns
    drawings = {drawing.name: drawing for drawing in draw_curves(layout_of(ds))}
    assert drawings["curves_half_loss"].figure.axes[0].get_ylabel().split() == names[2].split()
    assert drawings["curves_half_loss"].caption.startswith("Train mean loss (half loss) against")
    (one,) = draw_curves(layout_of(ds.isel(learning_rate=0)))
    labels = ["mean loss (nats)", "L2 norm of all parameters", "train mean loss (half loss) (nats)"]
    assert [ax.get_ylabel() for ax in one.figure.axes if ax.get_visible()] == labels


def test_derived_accuracies_of_one_label_are_still_shares():
    ds = mj.sweep(dataclasses.replace(SPEC, measures=("accuracy",)), {"seed": [0, 1]})
    drawn = layout_of(ds.assign(copy=ds.train_accuracy.copy())).drawn
    assert range_of(drawn["copy"]) == (0.0, 1.0)


def test_final_values_of_chosen_steps_are_the_last_ones_within_the_steps_of_a_run():
    ds = mj.sweep(SPEC, {("steps", "snapshots"): [(2, ()), (8, ())], "seed": [0, 1]})
    apart = at_end(ds.sel(step=[8, 0]), "step").weight_l2
    assert np.array_equal(apart.sel(steps=2), ds.weight_l2.sel(steps=2, step=0))
    assert np.array_equal(apart.sel(steps=8), ds.weight_l2.sel(steps=8, step=8))
    late = at_end(ds.isel(step=slice(2, None)), "step").weight_l2
    assert bool(late.sel(steps=2).isnull().all()) and not late.sel(steps=8).isnull().any()
    assert finals_table(layout_of(ds.isel(step=slice(2, None)))).rows[0][1:] == ("not known in 2 of 2",) * 3


def test_the_page_says_at_which_step_its_final_values_are():
    kept = dataclasses.replace(SPEC, measures=("loss",), keep_best=mj.stopping.Lowest("test_loss"), snapshots=(0, 2))
    ds = mj.sweep(kept, {"steps": [2, 6]})

    def said(part):
        layout = layout_of(part)
        title = finals_table(layout).title.removeprefix("Quantities ")
        captions = {drawing.name: drawing.caption for drawing in draw_finals(layout)}
        pyplot.close("all")
        if "final_loss" in captions:
            assert captions["final_loss"] == f"Train mean loss and test mean loss {title} against steps."
        # What is of the best network is so at every step.
        best = "Test mean loss of the best network against steps."
        assert captions.get("final_best_test_loss", best) == best and captions
        return title

    assert said(ds) == said(ds.isel(step=slice(1, None))) == "at the end of the runs"
    assert said(ds.sel(step=slice(0, 2))) == said(ds.sel(step=2)) == "at step 2, the last record here"
    assert said(ds.sel(step=slice(4, None))) == "at step 6, the last record here"
    assert said(mj.measure(ds, ["loss"])) == "at the last snapshot, step 2"
    assert said(mj.measure(mj.best(ds), ["loss"])) == said(mj.best(ds)) == "of the best network"
    # A step beyond the end of a run is none at which the run ended.
    assert said(ds.isel(step=-1)) == said(ds.isel(step=[-1])) == "at step 6, the last record here"
    assert said(ds.sel(step=[0, 4])) == "at the last record here of each run"
    unknown = layout_of(ds.isel(step=0).drop_vars("step"))
    assert finals_table(unknown).title == "Quantities of the runs"
    assert next(draw_finals(unknown)).caption == "Train mean loss and test mean loss against steps."


def test_records_of_a_stopped_run_are_at_its_end():
    quick = mj.stopping.AtMost("train_loss", 9.0)
    spec = dataclasses.replace(SPEC, steps=200, record_every=20, snapshots=(), stop_when=quick)
    ds = mj.sweep(spec, {"seed": [0, 1]})
    assert int(ds.stop_step.max()) < 100
    assert end_text(ds.sel(step=slice(0, 100)), "step") == "at the end of the runs"
    assert end_text(ds.drop_vars("stop_step").sel(step=slice(0, 100)), "step") == "at step 100, the last record here"


def test_few_seeds_have_their_range_and_more_have_an_interval(many):
    ds = mj.sweep(SPEC, {"seed": range(4)})[["weight_l2"]]
    two = ds.isel(seed=slice(2))
    two.weight_l2[:, -1] = [1.0, 3.0]
    table = finals_table(layout_of(two))
    assert [row[-1] for row in table.rows] == ["2.0 (1.0 to 3.0)"]
    assert table.note == (
        "Means over seeds, with the lowest and the highest value in round brackets where fewer than 4 seeds have one."
    )
    four = finals_table(layout_of(ds))
    assert "[" in four.rows[0][0] and "to" not in four.rows[0][0]
    assert four.note == "Means over seeds, with 95% intervals in square brackets."
    ds.weight_l2[:, -1] = [1.0, 3.0, np.nan, np.nan]
    assert finals_table(layout_of(ds)).rows == (("2.0 (1.0 to 3.0), not known in 2 of 4",),)
    ds.weight_l2[:, -1] = [1.0, np.nan, np.nan, np.nan]
    assert finals_table(layout_of(ds)).rows == (("1.00, not known in 3 of 4",),)


def test_labels_are_readable_and_lines_and_panels_are_few():
    over = {
        ("learning_rate", "l2"): [(0.1, 0.0), (0.1, 0.5), (0.2, 0.0)],
        "seed": [0, 1],
        "init_scale": [*np.arange(1, 14.0)],
    }
    ds = mj.sweep(SPEC, over)
    layout = layout_of(ds)
    assert layout.dataset.learning_rate_l2.values.tolist() == ["0.1, 0", "0.1, 0.5", "0.2, 0"]
    assert layout.lines == "init_scale" and layout.drawn.sizes["init_scale"] == 12
    assert layout.drawn.init_scale.values[[0, -1]].tolist() == [1.0, 13.0]
    assert any("12 of the 13 values of init scale" in said for said in layout.left_out)


def test_a_page_of_a_selection_names_its_runs_and_those_of_the_sweep(many, tmp_path):
    part = many.sel(learning_rate=[0.1]).isel(init_scale=1, data_seed=0)[["weight_l2"]]
    found = sections(mj.report(part, tmp_path))
    title = next(iter(found))
    assert title == f"A sweep over {label_of(many.init_seed)}"
    assert "learning_rate 0.1 of the swept 0.1, 1e+30 init_scale 1.0 of the swept 0.5, 1.0" in found["Setting"]
    assert "data_seed 0 of the swept 0, 1 init_seed (swept) 0, 1" in found["Setting"]
    assert found[title].startswith("2 runs of models.MLP(hidden=(2,)) on tasks.RandomLabels(), swept over ")
    assert "The sweep had more runs: the setting below says which ones this page shows." in found[title]
    found = sections(mj.report(many.mean("data_seed", keep_attrs=True)[["weight_l2"]], tmp_path, title="all"))
    assert "data_seed no axis of this dataset: averaged over, or dropped, of the swept 0, 1" in found["Setting"]
    assert "learning_rate (swept) 0.1, 1e+30" in found["Setting"] and "more runs" not in found["all"]


def test_a_page_of_a_whole_sweep_speaks_of_no_selection(tmp_path):
    over = {("learning_rate", "l2"): [(0.1, 0.0), (0.1, 0.5)], "batch_size": [None, 4], "hidden": [(2,), (3,)]}
    ds = mj.sweep(dataclasses.replace(SPEC, snapshots=(), examples=()), over)
    assert not is_selection(ds) and all(name.endswith(" (swept)") for name, _ in axis_facts(ds))
    last = dict(axis_facts(ds.isel(l2=1, batch_size=[1], hidden=0)))
    assert last["learning_rate"] == "0.1 of the swept 0.1, 0.1" and last["l2"] == "0.5 of the swept 0.0, 0.5"
    assert last["batch_size"] == "4 of the swept None, 4" and last["hidden"] == "2 of the swept 2, 3"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (lambda ds: ds.isel(step=[]), r"no value left along 'step', so .* as in dataset.isel\(step=\[0\]\)"),
        (lambda ds: ds.isel(init_seed=[]), "no value left along 'init_seed'"),
        (lambda ds: ds.drop_vars("stop_reason"), "no coordinate 'stop_reason': keep status, stop_step and stop_reason"),
        (lambda ds: ds.drop_vars("stop_step"), "no coordinate 'stop_step'"),
        (lambda ds: ds.drop_attrs().assign_attrs(axes=ds.attrs["axes"]), "no attribute 'experiment'"),
    ],
)
def test_what_a_report_cannot_be_made_of_is_said_in_a_sentence(many, tmp_path, part, said):
    with pytest.raises(mj.InputError, match=said):
        mj.report(part(many), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_runs_without_any_words_on_them_have_a_report(many, tmp_path):
    found = sections(mj.report(many.drop_vars(["status", "stop_reason"])[["weight_l2"]], tmp_path))
    assert found["What became of the runs"].startswith("The dataset no longer has single runs")


def test_a_report_leaves_no_figure_open_for_a_notebook_to_show(many, tmp_path):
    before = pyplot.get_fignums()
    mj.report(many, tmp_path)
    assert pyplot.get_fignums() == before


def test_figures_are_drawn_one_by_one_so_that_matplotlib_does_not_warn(many, tmp_path, monkeypatch):
    most = []
    savefig = Figure.savefig

    def counted(figure, *arguments, **options):
        most.append(len(pyplot.get_fignums()))
        savefig(figure, *arguments, **options)

    pyplot.close("all")
    monkeypatch.setattr(Figure, "savefig", counted)
    mj.report(many, tmp_path)
    assert len(most) == 4 and max(most) == 1


def test_a_report_that_fails_leaves_no_figure_open(many, tmp_path, monkeypatch):
    def failing(figure, *arguments, **options):
        raise OSError("no room")

    before = pyplot.get_fignums()
    monkeypatch.setattr(Figure, "savefig", failing)
    with pytest.raises(OSError, match="no room"):
        mj.report(many, tmp_path)
    assert pyplot.get_fignums() == before


def test_a_table_of_too_many_rows_is_said_not_to_be_shown(many, tmp_path):
    one = many.isel(init_scale=0, data_seed=0, init_seed=0)[["weight_l2"]]
    rates = np.geomspace(0.01, 1.0, 61)
    labels = ("learning_rate", rates, one.learning_rate.attrs)
    long = one.isel(learning_rate=[0] * 61).assign_coords(learning_rate=labels)
    found = sections(mj.report(long, tmp_path))
    assert "The table of final values is not shown, because it would have 61 rows" in found["What is not shown"]
    assert "Quantities at the end" not in found["Final values"]
    found = sections(mj.report(long.isel(learning_rate=slice(60)), tmp_path))
    assert (
        "table of final values" not in found["What is not shown"] and "Quantities at the end" in found["Final values"]
    )


def test_a_page_of_other_origin_stays_and_ours_is_replaced(many, tmp_path):
    one = many.isel(learning_rate=0, init_scale=0, data_seed=0, init_seed=0)
    path = mj.report(one, tmp_path, title="first")
    assert mj.report(one, tmp_path, title="second") == path and "second" in path.read_text()
    path.write_text("<p>mine</p>")
    with pytest.raises(mj.InputError, match=r"exists and was not written by memjax: choose another folder"):
        mj.report(one, tmp_path)
    assert path.read_text() == "<p>mine</p>"
    with pytest.raises(mj.InputError, match="cannot be written"):
        mj.report(one, path / "below")


def test_no_report_of_what_is_no_sweep(many):
    with pytest.raises(mj.InputError, match="report got an object of type DataArray"):
        mj.report(many.weight_l2, "nowhere")
