"""Numbers of the study random-labels on hand-made curves and on a network whose predictions are known; the study, shrunk."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.models import MLP
from memjax.studies.random_labels import claims, figures, numbers, published, runs, tables
from memjax.studies.random_labels.study import STUDY

STEPS = np.array([0, 10, 20, 30, 40])
SEEDS = range(3)


def _curves(**by_name):
    """Curves ``(label_noise, seed, step)``, the same for every seed, at two levels."""
    made = {name: np.broadcast_to(np.array(values)[:, None], (2, 3, 5)) for name, values in by_name.items()}
    coords = {"label_noise": [0.0, 1.0], "seed": list(SEEDS), "step": STEPS}
    return xr.Dataset({name: (("label_noise", "seed", "step"), values) for name, values in made.items()}, coords)


def test_noisy_test_accuracy_is_that_of_its_closed_form_for_fresh_labels():
    spec = mj.Experiment(
        task=mj.tasks.Images("digits"),
        model=MLP(hidden=(16,)),
        optimizer=mj.optimizers.sgd(0.1, momentum=0.9),
        train_size=300,
        test_size=400,
        batch_size=50,
        steps=60,
        record_every=60,
        measures=("accuracy",),
        snapshots=(60,),
    )
    found = mj.sweep(spec, over={"label_noise": [0.0, 0.5, 1.0], "seed": [3, 4]})
    tested = numbers.noisy_test(found)
    # A network's accuracy against true labels is the one that was recorded.
    np.testing.assert_allclose(tested["clean"], found.test_accuracy.isel(step=-1), atol=1e-6)
    np.testing.assert_array_equal(tested["noisy"].sel(label_noise=0.0), tested["clean"].sel(label_noise=0.0))
    share = tested["label_noise"]
    exact = (1 - share) * tested["clean"] + share / 10
    # The standard deviation of 100 draws of 400 labels is at most 0.0025; the largest measured difference is 0.0019.
    assert float(np.abs(tested["noisy"] - exact).max()) < 0.008
    assert tested.attrs["test_size"] == 400 and float(tested["clean"].sel(label_noise=0.0).min()) > 0.7


def test_noisy_labels_belong_to_a_seed_and_are_nested_over_levels():
    true = np.arange(50) % 10
    half, all_of_them = (numbers.noisy_labels(true, level, 10, seed=1) for level in (0.5, 1.0))
    assert half.shape == (100, 50) and ((half == all_of_them) | (half == true)).all()
    assert abs((half != true).mean() - 0.45) < 0.03 and abs((all_of_them != true).mean() - 0.9) < 0.02
    assert (half != numbers.noisy_labels(true, 0.5, 10, seed=2)).any()


def _tested(clean, noisy):
    pair = {
        name: (("label_noise", "seed"), np.repeat(values, 3).reshape(2, 3))
        for name, values in (("clean", clean), ("noisy", noisy))
    }
    return xr.Dataset(pair, {"label_noise": [0.0, 1.0], "seed": list(SEEDS)}, {"test_size": 900})


def _levels():
    curves = _curves(train_accuracy=[[0.1, 0.997, 1, 1, 1], [0.1, 0.3, 0.5, 0.997, 1]])
    return numbers.levels(curves, _tested([0.9, 0.1], [0.9, 0.12]))


def test_levels_have_times_to_fit_errors_and_the_identity():
    found = _levels()
    assert found["fitted"].values.tolist() == [[10.0] * 3, [30.0] * 3]
    assert found["clean_error"][:, 0].values == pytest.approx([0.1, 0.9])
    # At level 1 the identity asks for 0.1, whatever the clean accuracy is.
    assert found["identity"][:, 0].values == pytest.approx([0.0, 0.02])
    never = numbers.levels(_curves(train_accuracy=[[0.1] * 5] * 2), _tested([0.9, 0.1], [0.9, 0.1]))
    assert np.isinf(never["fitted"]).all()


def test_a_slow_down_allows_for_times_between_records():
    found = _levels()
    slower = numbers.slowdown(found["fitted"], STEPS, "label_noise", 1.0, 0.0)
    assert [float(part[0]) for part in slower] == pytest.approx([3.0, 2.0, np.inf])


def _mixed():
    return numbers.parts(
        _curves(
            train_clean_accuracy=[[0.1, 0.8, 0.9, 1, 1]] * 2,
            train_corrupted_accuracy=[[0.1, 0.0, 0.2, 0.4, 0.8], [0.1, 0.0, 0.2, 0.4, 0.5]],
            test_accuracy=[[0.1, 0.7, 0.9, 0.6, 0.5]] * 2,
        )
    )


def test_parts_are_learnt_at_their_own_times():
    found = _mixed()
    assert found["clean"].values.tolist() == [[10.0] * 3] * 2
    assert found["corrupted"].values.tolist() == [[40.0] * 3, [np.inf] * 3]
    # The test accuracy is highest at step 20.
    np.testing.assert_allclose(found["at_peak"], 0.2)
    np.testing.assert_allclose(found["lost"], 0.4)
    np.testing.assert_allclose(found["peak"], 20.0)


def test_sensitivities_are_means_and_their_gini_coefficient_leaves_missing_rows_out():
    each = np.array([[0.0, 0.0, 4.0, np.nan], [2.0, 2.0, np.nan, 2.0]])
    data = xr.Dataset({"example_mean_loss_sensitivity": (("task", "example_step", "example"), each[:, None])})
    found = numbers.sensitivity(data)
    assert found["sensitivity"].values == pytest.approx([4 / 3, 2.0])
    assert found["gini"].values == pytest.approx([2 / 3, 0.0])


def test_regularisers_are_compared_where_the_clean_part_is_at_95_percent():
    found = numbers.braked(
        _curves(
            train_clean_accuracy=[[0.1, 0.85, 1.0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.5]],
            train_corrupted_accuracy=[[0.0, 0.1, 0.4, 0.6, 0.7]] * 2,
            test_accuracy=[[0.1, 0.2, 0.3, 0.4, 0.5]] * 2,
        )
    )
    # At two thirds of the way from step 10 to step 20.
    assert found["corrupted"][:, 0].values == pytest.approx([0.3, np.nan], nan_ok=True)
    assert float(found["corrupted_end"][0, 0]) == 0.7 and float(found["test_end"][0, 0]) == 0.5


def test_widths_are_numbers_and_the_last_record_counts():
    accuracy = np.linspace(0, 1, 12).reshape(1, 2, 3, 2)
    dims = ("task", "hidden", "seed", "step")
    found = numbers.widths(xr.Dataset({"train_accuracy": (dims, accuracy)}, {"hidden": ["4", "16"], "step": [0, 5]}))
    assert found["width"].values.tolist() == [4, 16] and found.values.tolist() == accuracy[..., 1].tolist()


def _all_levels():
    """Errors and times at all levels, with seeds that differ a little."""
    share = xr.DataArray(list(runs.LEVELS), dims="label_noise", coords={"label_noise": list(runs.LEVELS)})
    apart = xr.DataArray([-1.0, 0.0, 1.0], dims="seed", coords={"seed": list(SEEDS)})
    clean = 0.1 + 0.8 * share + 0.001 * apart
    noisy = 1 - ((1 - share) * (1 - clean) + share / 10)
    fitted = (100 + 300 * share + 0 * apart).astype(float)
    one = {"train_accuracy": 0.999 + 0 * clean, "clean_error": clean, "noisy_error": noisy, "identity": 0 * clean}
    return xr.Dataset({"fitted": fitted, **one})


def test_claims_on_levels_hold_what_the_runs_say():
    one = _all_levels()
    records = np.arange(0, 1001, 10.0)
    made = claims.level_claims(dict.fromkeys(runs.NETWORKS, one), records, 900)
    verdicts = {claim.what: claim.verdict.value for claim in made}
    text = "one hidden layer: "
    assert verdicts[text + "train accuracy, random labels"] == "as published"
    assert verdicts[text + "test accuracy, random labels"] == "as published"
    assert verdicts[text + "test accuracy, true labels"] == "not asked"
    slower, factor = (claim for claim in made if claim.what.startswith(text) and "over true ones" in claim.what)
    # Four times as many steps: slower, and more than the factor of 1 to 3.5.
    assert slower.estimate.value == factor.estimate.value == pytest.approx(4.0)
    assert (slower.verdict.value, factor.verdict.value) == ("as published", "differs") and factor.main
    small = one.assign(fitted=one["fitted"].where(one["label_noise"] < 1, 200.0))
    made = claims.level_claims(dict.fromkeys(runs.NETWORKS, small), records, 900)
    assert {claim.verdict.value for claim in made if "over true ones" in claim.what} == {"as published"}
    assert verdicts[text + "least rise of the noisy test error over 0.2 of label noise"] == "as published"
    wrong = one.assign(identity=one["identity"] + 0.02, clean_error=one["clean_error"] - 0.1)
    worse = {
        claim.what: claim.verdict.value for claim in claims.level_claims({"shallow": wrong, "deep": one}, records, 900)
    }
    assert worse[text + "noisy test accuracy less (1 - q) clean + q / 10"] == "differs"
    assert worse[text + "test accuracy, random labels"] == "differs"


def _laws():
    coords = {"task": list(runs.LAWS), "seed": list(SEEDS)}
    apart = np.array([-1.0, 0.0, 1.0])
    rows = {
        "fitted": [100.0, 400.0, 100.0, 200.0, 200.0],
        "train_accuracy": [1.0] * 5,
        "test_accuracy": [0.95, 0.1, 0.95, 0.1, 0.1],
        "sensitivity": [1.0, 5.0, 1.0, 3.0, 3.0],
        "gini": [0.6, 0.2, 0.6, 0.2, 0.65],
    }
    return xr.Dataset(
        {
            name: (("task", "seed"), np.array(v)[:, None] + 0.001 * apart * (name != "fitted"))
            for name, v in rows.items()
        },
        coords,
    )


def test_claims_on_laws_and_parts_hold_what_the_runs_say():
    laws, records = _laws(), np.arange(0, 1001, 10.0)
    made = {claim.what: claim for claim in claims.law_claims(laws, records, 900)}
    assert made["random labels: steps to fit over those of true labels"].estimate.value == pytest.approx(4.0)
    assert made["Gaussian inputs: test accuracy"].verdict.value == "as published"
    assert made["random pixels: test accuracy"].published_shown == "not read"
    widths = xr.DataArray(
        np.array([[1.0, 1.0], [0.4, 0.8], [1.0, 1.0]])[..., None] * np.array([1.0, 0.99, 1.01]),
        {"task": ["true labels", "random labels", "Gaussian inputs"], "width": [4, 8]},
        ("task", "width", "seed"),
    )
    mixed = _mixed().isel(label_noise=[0, 0]).assign_coords(label_noise=[0.2, 0.4])
    found = {claim.what: claim for claim in claims.arpit_claims(mixed, STEPS, widths, laws)}
    later = found["steps to learn the corrupted part over the clean one, levels 0.2 to 0.8"]
    assert later.estimate.value == pytest.approx(4.0) and later.verdict.value == "as published"
    after = found["steps to learn the corrupted part over the step of the highest test accuracy, levels 0.2 to 0.8"]
    # At step 40, after a peak at step 20; the records around these steps leave 30 / 30 to 40 / 10 possible.
    assert after.estimate.value == pytest.approx(2.0) and after.verdict.value == "not told apart"
    assert (after.estimate.low, after.estimate.high) == pytest.approx((1.0, 4.0))
    less = found["train accuracy with true labels less random labels, mean over widths"]
    assert less.estimate.value == pytest.approx(0.4) and less.verdict.value == "as published"
    none = found["train accuracy with true labels less Gaussian inputs, mean over widths"]
    assert none.verdict.value != "as published"
    gini = "Gini coefficient of the loss sensitivity, true labels less {}"
    assert found[gini.format("random labels")].verdict.value == "as published"
    assert found[gini.format("Gaussian inputs")].verdict.value == "differs"


def _ratios():
    values = np.array([[0.2, 0.1], [0.2, 0.9]])[None, :, None] + 0.01 * np.array([-1, 0, 1])[:, None]
    coords = {"radius": [0.1], "task": ["true labels", "random labels"], "seed": list(SEEDS), "snapshot": [10, 100]}
    return xr.DataArray(values, coords, ("radius", "task", "seed", "snapshot"))


def test_claims_on_critical_samples_and_regularisers_hold_what_the_runs_say():
    more, rise = claims.critical_claims(_ratios())
    assert more.estimate.value == pytest.approx(0.8) and rise.estimate.value == pytest.approx(0.7)
    assert {more.verdict.value, rise.verdict.value} == {"as published"}
    dims = {"seed": list(SEEDS)}
    apart = 0.001 * np.array([-1, 0, 1])
    drop, decay = (np.array(values)[:, None] + apart * np.array([1, 2])[:, None] for values in ([0.3, 0.1], [0.3, 0.2]))
    found = {
        "dropouts": xr.Dataset({"corrupted": (("dropout", "seed"), drop)}, {"dropout": [0.0, 0.5], **dims}),
        "decays": xr.Dataset({"corrupted": (("l2", "seed"), decay)}, {"l2": [0.0, 0.1], **dims}),
    }
    by_drop, by_decay, between = claims.braked_claims(found)
    assert by_drop.estimate.value == pytest.approx(0.2) and by_decay.estimate.value == pytest.approx(0.1)
    assert between.estimate.value == pytest.approx(0.1) and by_drop.verdict.value == "as published"


def test_published_factors_are_minutes_over_those_without_noise():
    assert all(len(found) == len(runs.LEVELS) for found in (*published.ERRORS.values(), *published.MINUTES.values()))
    assert published.FACTORS["1 x 512"][-1] == pytest.approx(1.26, abs=0.005)
    assert published.FACTORS["3 x 512"][-1] == pytest.approx(5.43, abs=0.005)
    table = tables.levels_table(_all_levels(), np.arange(0, 1001, 10.0), "deep")
    assert table.rows[10][2] == "5.43" and table.rows[5][-1] == "0.793"


@pytest.mark.slow
def test_figures_show_what_they_are_of():
    one = _all_levels()
    left, right = figures.levels({"shallow": one, "deep": one}).axes
    assert left.lines[0].get_ydata() == pytest.approx(one["noisy_error"].mean("seed").values)
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["noisy labels", "clean labels"]
    assert right.lines[0].get_ydata()[-1] == pytest.approx(4.0)
    names = ("train_corrupted_accuracy", "train_clean_accuracy")
    curves = _curves(**{name: [[0.1, 0.3, 0.5, 0.9, 1.0]] * 2 for name in names})
    both = {name: curves.rename(label_noise=dim) for name, dim in (("dropouts", "dropout"), ("decays", "l2"))}
    (legend,) = figures.brakes(both).legends
    assert [line.get_linestyle() for line in legend.get_lines()] == ["-", "--"]
    assert [text.get_text() for text in legend.get_texts()] == ["corrupted part", "clean part"]
    drawn = figures.single(_laws(), _ratios())
    assert [text.get_text() for text in drawn.axes[0].get_yticklabels()] == list(runs.LAWS)


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "paper", "fashion-mnist"])
def test_every_scale_can_be_laid_out(scale, monkeypatch):
    if scale == "fashion-mnist":
        # The same networks, on images that are there.
        there = runs.SIZES[scale]._replace(
            dataset="digits", train_size=900, test_size=100, sizes=(200, 500, 1000, 1600)
        )
        monkeypatch.setitem(runs.SIZES, scale, there)
    for part in STUDY.sweeps(scale, 2).values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == set(runs.SIZES)


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again, monkeypatch):
    small = runs.SIZES["quick"]._replace(
        train_size=40,
        test_size=30,
        batch_size=20,
        steps=60,
        shallow=MLP(hidden=(8,)),
        deep=MLP(hidden=(6, 6)),
        widths=(2, 4),
        sizes=(20, 40),
        networks=5,
        braked_steps=40,
        snapshots=(10,),
    )
    monkeypatch.setitem(runs.SIZES, "quick", small)
    folder, findings = studies.run(dataclasses.replace(STUDY), tmp_path / "out", seeds=2, progress=False)
    assert set(findings.figures) == {"levels", "parts", "capacity", "single", "brakes", "classes", "easy", "growth"}
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    further = {"classes", "easy", "examples_time", "units_time", "exponents", "crossed"}
    assert set(findings.tables) == {"shallow", "deep", "laws", "parts", "widths", "critical", "brakes"} | further
    assert len(findings.tables["laws"].rows) == 5 and len(findings.tables["brakes"].rows) == 6
    made_again(folder, STUDY)
