"""A map over two swept axes: every cell, label, hatch and border against the numbers it is made from."""

from io import BytesIO

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import CenteredNorm, LogNorm
from matplotlib.figure import Figure

from memjax import plots
from memjax.analysis import time_to_threshold
from memjax.plots.times import is_time

SIZE, WIDTH = [50, 100, 200, 400], [8, 16, 32]


@pytest.fixture
def accuracy():
    mean = np.array([[0.9, 0.7, 0.3, 0.2], [1.0, 0.9, 0.7, 0.3], [1.0, 1.0, 0.9, 0.8]])
    return xr.DataArray(
        mean + np.array([-0.05, 0.05])[:, None, None],
        dims=("seed", "width", "train_size"),
        coords={"train_size": ("train_size", SIZE, {"long_name": "train size"}), "width": WIDTH},
        attrs={"long_name": "accuracy", "units": "1"},
    )


def draw(values, **options):
    ax = plots.phase_diagram(
        values, options.pop("x", "train_size"), options.pop("y", "width"),
        ax=Figure(layout="constrained").subplots(), **options,
    )  # fmt: skip
    ax.figure.savefig(BytesIO(), format="png")
    return ax


def cells(ax):
    return ax.collections[0].get_array()


def edges(ax, collection):
    """Segments of a border as pairs of sorted corners."""
    segments = ax.collections[collection].get_segments()
    return {tuple(sorted(map(tuple, segment.tolist()))) for segment in segments}


def test_cells_are_means_over_seeds_by_rank_whatever_the_order(accuracy):
    shuffled = accuracy.transpose("train_size", "seed", "width").isel(train_size=[2, 0, 3, 1], width=[1, 2, 0])
    ax = draw(shuffled)
    np.testing.assert_allclose(cells(ax), accuracy.mean("seed"))
    corners = ax.collections[0].get_coordinates()
    np.testing.assert_array_equal(corners[0, :, 0], [-0.5, 0.5, 1.5, 2.5, 3.5])
    np.testing.assert_array_equal(corners[:, 0, 1], [-0.5, 0.5, 1.5, 2.5])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["50", "100", "200", "400"]
    assert ax.get_yticks().tolist() == [0, 1, 2] and [text.get_text() for text in ax.get_yticklabels()] == [
        "8",
        "16",
        "32",
    ]
    bar = ax.figure.axes[1]
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("train size", "width", "accuracy")


def test_the_other_way_round_is_the_transpose(accuracy):
    ax = draw(accuracy, x="width", y="train_size")
    np.testing.assert_allclose(cells(ax), accuracy.mean("seed").transpose("train_size", "width"))


def test_no_seeds_is_the_values_themselves_and_categories_keep_their_order(accuracy):
    named = accuracy.isel(seed=0).assign_coords(width=["tanh", "relu", "gelu"])
    ax = draw(named)
    np.testing.assert_array_equal(cells(ax), named)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["tanh", "relu", "gelu"]


def test_a_cell_without_a_finite_run_is_hatched_and_explained(accuracy):
    accuracy[:, 2, 1] = np.nan
    accuracy[0, 1, 0], accuracy[0, 0, 3] = np.nan, -np.inf
    ax = draw(accuracy)
    mask = np.zeros((3, 4), bool)
    mask[2, 1] = True
    np.testing.assert_array_equal(np.ma.getmaskarray(cells(ax)), mask)
    assert cells(ax)[1, 0] == accuracy[1, 1, 0] and cells(ax)[0, 3] == accuracy[1, 0, 3]
    hatched = ax.collections[1]
    assert hatched.get_hatch() and len(hatched.get_paths()) == 1
    np.testing.assert_array_equal(hatched.get_paths()[0].get_extents().get_points(), [[0.5, 1.5], [1.5, 2.5]])
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["no run with a value", "k/2: only k of 2 runs have a value"]
    assert {(*text.get_position(), text.get_text()) for text in ax.texts} == {(0, 1, "1/2"), (3, 0, "1/2")}
    assert draw(accuracy.isel(width=[2], train_size=[0, 2])).get_legend() is None


def test_nothing_finite_is_hatched_all_over_and_has_no_colour_bar(accuracy):
    ax = draw(accuracy * np.nan, contour=0.5, center=0.0)
    assert len(ax.collections[1].get_paths()) == 12 and len(ax.figure.axes) == 1


def test_the_border_runs_between_cells_below_and_at_the_level(accuracy):
    accuracy[:, 2, 3] = np.nan
    ax = draw(accuracy, contour=[0.7, 0.95])
    # Widths 8 and 16 reach 0.7 up to sizes 100 and 200; nothing borders on the hatched cell.
    staircase = {((1.5, -0.5), (1.5, 0.5)), ((1.5, 0.5), (2.5, 0.5)), ((2.5, 0.5), (2.5, 1.5))}
    assert edges(ax, 2) == staircase
    assert edges(ax, 3) == {
        ((-0.5, 0.5), (0.5, 0.5)), ((0.5, 0.5), (0.5, 1.5)), ((0.5, 1.5), (1.5, 1.5)), ((1.5, 1.5), (1.5, 2.5)),
    }  # fmt: skip
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["no run with a value", "accuracy = 0.7", "accuracy = 0.95"]
    styles = [handle.get_linestyle() for handle in ax.get_legend().legend_handles[1:]]
    assert styles == ["-", "--"]


def test_no_border_runs_beside_a_cell_without_a_mean():
    values = np.ones((3, 3))
    values[1, 1] = np.nan
    ax = draw(xr.DataArray(values, dims=("width", "train_size")), contour=0.5)
    assert edges(ax, 2) == set()


def test_a_border_runs_between_what_got_there_in_time_and_what_never_did():
    times = xr.DataArray([[500.0, np.inf, np.nan, 500.0]], dims=("y", "x"), coords={"y": [0], "x": range(4)})
    ax = plots.phase_diagram(times, "x", "y", contour=1000.0, ax=Figure().subplots())
    (lines,) = [drawn for drawn in ax.collections if hasattr(drawn, "get_segments")]
    assert [segment.tolist() for segment in lines.get_segments()] == [[[0.5, -0.5], [0.5, 0.5]]]


def test_colours_follow_the_values(accuracy):
    assert type(draw(accuracy).collections[0].norm) is not LogNorm
    decades = accuracy * [1.0, 1.0, 1.0, 0.01]
    ax = draw(decades)
    assert isinstance(ax.collections[0].norm, LogNorm)
    np.testing.assert_allclose(ax.collections[0].get_clim(), [0.002, 1.0])
    assert type(draw(decades - 0.003).collections[0].norm) is not LogNorm
    assert ax.collections[0].get_cmap().name == "viridis"


def test_a_centre_is_white_and_both_sides_reach_equally_far(accuracy):
    ax = draw(accuracy - 0.7, center=0.0)
    mesh = ax.collections[0]
    assert isinstance(mesh.norm, CenteredNorm)
    np.testing.assert_allclose(mesh.get_clim(), [-0.5, 0.5])
    assert min(mesh.to_rgba(0.0)) > 0.95
    np.testing.assert_allclose(draw(accuracy - 0.3, center=0.0).collections[0].get_clim(), [-0.7, 0.7])
    assert draw(accuracy * 0.0, center=0.0).collections[0].get_clim() == (-1.0, 1.0)


def test_limits_are_shared_and_the_key_can_be_left_out(accuracy):
    ax = draw(accuracy, limits=(0.0, 1.0), key=False)
    assert ax.collections[0].get_clim() == (0.0, 1.0) and len(ax.figure.axes) == 1


def test_labels_that_do_not_fit_are_turned_or_thinned(accuracy):
    assert {text.get_rotation() for text in draw(accuracy).get_xticklabels()} == {0.0}
    two = accuracy.assign_coords(train_size=[f"a long name, number {i}" for i in range(4)])
    found = [(text.get_rotation(), text.get_text().count("\n")) for text in draw(two).get_xticklabels()]
    assert found == [(0.0, 1)] * 4
    long = accuracy.assign_coords(train_size=[f"an_unbreakable_name_of_number_{i}" for i in range(4)])
    assert {text.get_rotation() for text in draw(long).get_xticklabels()} == {45.0}
    many = xr.DataArray(np.ones((2, 60)), dims=("width", "train_size"), coords={"train_size": np.arange(60)})
    ax = draw(many)
    keys = dict(zip(ax.get_xticks().tolist(), [text.get_text() for text in ax.get_xticklabels()], strict=True))
    assert keys == {rank: str(rank) for rank in range(0, 60, 5)}


@pytest.fixture
def times():
    """Steps until something was learned, four seeds, infinite for a run that never got there."""
    never, lost = np.inf, np.nan
    runs = [
        [[500, 100], [never, 90]],
        [[never, 110], [never, 80]],
        [[never, 120], [never, 70]],
        [[never, 130], [never, lost]],
    ]
    return xr.DataArray(runs, dims=("seed", "width", "train_size"), coords={"width": [8, 16], "train_size": [50, 100]},
                        attrs={"long_name": "steps to 99%"})  # fmt: skip


def dots(ax):
    """Share that the dot of every cell stands for, by the dot of 75% in the legend."""
    (drawn,) = [one for one in ax.collections if type(one).__name__ == "PathCollection"]
    unit = ax.get_legend().legend_handles[2].get_markersize() ** 2 / 0.75
    return {tuple(at): size / unit for at, size in zip(drawn.get_offsets().tolist(), drawn.get_sizes(), strict=True)}


def squares(ax, color):
    """Cells that are filled with a grey: the place of each."""
    grey = [
        one for one in ax.collections if type(one).__name__ == "PatchCollection" and one.get_facecolor()[0][0] == color
    ]
    return {tuple(path.get_extents().get_points().mean(0)) for one in grey for path in one.get_paths()}


def test_the_share_of_runs_that_never_got_there_is_drawn_beside_the_median_of_the_others(times):
    times[0, 0, 1] = np.inf
    ax = draw(times)
    # Of width 8 and size 50, one run of four got there, at 500; of width 16 and size 50, no run did.
    np.testing.assert_array_equal(np.ma.getmaskarray(cells(ax)), [[False, False], [True, False]])
    np.testing.assert_array_equal(cells(ax).compressed(), [500.0, 120.0, 80.0])
    assert dots(ax) == {(0.0, 0.0): pytest.approx(0.75), (1.0, 0.0): pytest.approx(0.25)}
    assert squares(ax, 0.6) == {(0.0, 1.0)} and squares(ax, 1.0) == set()
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "no run got there", "25% of runs never got there", "75% of runs never got there",
        "k/4: only k of 4 runs have a value",
    ]  # fmt: skip
    small, large = (one.get_markersize() for one in legend.legend_handles[1:3])
    assert large**2 == pytest.approx(3 * small**2)
    # The run that diverged is no run that never got there.
    assert {(*text.get_position(), text.get_text()) for text in ax.texts} == {(1, 1, "3/4")}
    assert ax.figure.axes[1].get_ylabel() == "steps to 99%,\nmedian of the seeds that got there"


def test_a_cell_that_never_got_there_differs_from_a_cell_without_a_value_and_from_all_colours(times):
    lost = times.where(times.train_size != 100)
    ax = draw(lost)
    assert squares(ax, 0.6) == {(0.0, 1.0)} and squares(ax, 1.0) == {(1.0, 0.0), (1.0, 1.0)}
    ax.figure.canvas.draw()
    hatches = [one.get_hatch() for one in ax.collections if type(one).__name__ == "PatchCollection"]
    assert hatches == ["/////", None]
    colors = ax.collections[0].get_cmap()(np.linspace(0, 1, 256))[:, :3]
    assert abs(colors - 0.6).max(1).min() > 0.1


def test_half_of_the_runs_that_never_got_there_put_a_cell_beyond_every_border(times):
    ax = draw(times, contour=1000.0)
    lines = next(i for i, one in enumerate(ax.collections) if hasattr(one, "get_segments"))
    # The one run at 500 of three quarters that never got there is not below 1000.
    assert edges(ax, lines) == {((0.5, -0.5), (0.5, 0.5)), ((0.5, 0.5), (0.5, 1.5))}


def test_the_average_can_be_named_and_a_mean_of_survivors_says_so(times):
    times[1, 0, 0] = 700
    ax = draw(times, average="mean", name="steps")
    assert cells(ax)[0, 0] == 600.0 and ax.figure.axes[1].get_ylabel() == "steps,\nmean of the seeds that got there"
    finite = times.where(np.isfinite(times))
    np.testing.assert_allclose(cells(draw(finite))[:, 1], [115.0, 80.0])
    assert draw(finite).figure.axes[1].get_ylabel() == "steps to 99%"
    assert draw(finite, average="median").figure.axes[1].get_ylabel() == "steps to 99%,\nmedian over seeds"
    assert [text.get_text() for text in draw(times.isel(seed=3)).get_legend().get_texts()] == [
        "no run with a value", "no run got there",
    ]  # fmt: skip


def test_only_a_time_never_comes_and_an_infinite_loss_is_infinite(times):
    loss = times.assign_attrs(long_name="test mean loss", units="nats")
    loss[0, 0, 1] = np.inf
    ax = draw(loss)
    assert [text.get_text() for text in ax.get_legend().get_texts()][:3] == [
        "every run is infinite", "25% of runs are infinite", "75% of runs are infinite",
    ]  # fmt: skip
    assert ax.figure.axes[1].get_ylabel() == "test mean loss (nats),\nmedian of the finite seeds"
    series = times.expand_dims(step=[0, 1]).assign_attrs(long_name="test accuracy", units="1")
    for at in ({"units": "step(s)"}, {"units": "1"}, {}):
        found = time_to_threshold(series.fillna(0.0).assign_coords(step=("step", [0, 1], at)), 200.0)["time"]
        assert is_time(found)
    for name in ("t_train", "first time", "steps to 99%"):
        assert is_time(xr.DataArray(1.0, name=name))
    for name, units in (
        ("examples per step", ""),
        ("steps per second", ""),
        ("time", "nats"),
        ("test accuracy", "1"),
        ("L2 norm at step 100", ""),
    ):
        assert not is_time(xr.DataArray(1.0, attrs={"long_name": name, "units": units}))


def test_cells_too_small_for_numbers_have_points():
    values = np.ones((2, 40, 40))
    values[0, 3, 4] = np.nan
    ax = draw(xr.DataArray(values, dims=("seed", "width", "train_size")))
    assert [text.get_text() for text in ax.texts] == ["\N{MULTIPLICATION SIGN}"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["some runs without a value"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"x": "depth"}, "x = 'depth' is not a dimension"),
        ({"y": "depth"}, "y = 'depth' is not a dimension"),
        ({"x": "width"}, "x and y are both 'width'; a map needs two"),
        ({"over": "run"}, r"Choose one entry of \['seed'\]"),
        ({"contour": float("nan")}, "contour = nan must be a finite number"),
        ({"contour": [1, 2, 3, 4, 5]}, "up to 4 of them"),
        ({"limits": (1.0, 0.0)}, "the lower first"),
        ({"average": "mode"}, "average = 'mode' is not known"),
        ({"center": float("nan")}, "center = nan must be a finite number"),
    ],
)
def test_errors(accuracy, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw(accuracy, **options)


@pytest.fixture
def kinds():
    """Three seeds at each of two widths and four sizes; every run of a kind of its own place."""
    data = np.arange(24).reshape(3, 2, 4) % 4
    return xr.DataArray(data, {"width": [16, 8], "train_size": SIZE}, ("seed", "width", "train_size"))


def strips(ax):
    return np.asarray(ax.collections[0].get_array()).reshape(2, 12)


def test_a_cell_of_kinds_has_a_strip_for_every_seed(kinds):
    ax = plots.category_map(kinds, "train_size", "width", "abcd", ax=Figure(layout="constrained").subplots())
    ax.figure.savefig(BytesIO(), format="png")
    # The lower row is the smaller width, which comes second.
    for row, width in enumerate([8, 16]):
        for column, size in enumerate(SIZE):
            own = kinds.sel(width=width, train_size=size).values
            np.testing.assert_array_equal(strips(ax)[row, 3 * column : 3 * column + 3], own)
    corners = ax.collections[0].get_coordinates()
    np.testing.assert_allclose(corners[0, ::3, 0], [-0.5, 0.5, 1.5, 2.5, 3.5])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["8", "16"]
    colors = ax.collections[0].cmap(ax.collections[0].norm(np.arange(4)))
    handles, names = ax.get_legend_handles_labels()
    assert names == list("abcd")
    np.testing.assert_array_equal(colors, [handle.get_facecolor()[0] for handle in handles])


def test_kinds_without_seeds_fill_their_cells(kinds):
    one = kinds.isel(seed=1, drop=True)
    ax = plots.category_map(one, "train_size", "width", "abcd")
    np.testing.assert_array_equal(np.asarray(ax.collections[0].get_array()).reshape(2, 4), one.sortby("width"))


@pytest.mark.parametrize(
    ("change", "names"),
    [(lambda kinds: kinds, "abc"), (lambda kinds: kinds - 1, "abcd"), (lambda kinds: kinds / 2, "abcdefgh")],
)
def test_what_counts_no_names_is_refused(kinds, change, names):
    with pytest.raises(ValueError, match="kinds must count up to 7 names from 0"):
        plots.category_map(change(kinds), "train_size", "width", names)


def test_seeds_can_be_an_axis_of_a_map():
    time = xr.DataArray(
        [[10.0, np.inf], [30.0, 20.0]], {"weight_decay": [0.0, 1.0], "seed": [0, 1]}, ("weight_decay", "seed")
    )
    ax = plots.phase_diagram(time, "weight_decay", "seed")
    (mesh,) = [part for part in ax.collections if type(part).__name__ == "QuadMesh"]
    np.testing.assert_array_equal(np.ma.filled(mesh.get_array(), np.inf), [[10.0, 30.0], [np.inf, 20.0]])
    kinds = plots.category_map(xr.where(np.isfinite(time), 0, 1), "weight_decay", "seed", ["fits", "never"])
    (mesh,) = [part for part in kinds.collections if type(part).__name__ == "QuadMesh"]
    np.testing.assert_array_equal(np.asarray(mesh.get_array()), [[0, 0], [1, 0]])


@pytest.mark.parametrize("draw", [plots.curve, plots.mean])
def test_an_axis_that_the_array_lacks_is_named(draw):
    values = xr.DataArray([[1.0, 2.0]], {"seed": [0], "learning_rate": [0.1, 1.0]}, ("seed", "learning_rate"))
    with pytest.raises(
        ValueError, match=r"x = 'train_size' is not a dimension of the array; choose one of \['seed', 'learning_rate'\]"
    ):
        draw(values, x="train_size")
