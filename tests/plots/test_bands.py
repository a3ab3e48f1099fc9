"""Bands keep to the range of what they show, a mean of fewer runs says so, and arithmetic gets its own name."""

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import memjax as mj
from memjax import plots
from memjax.analysis import gap, last, mean, mean_interval
from memjax.checks.shares import is_recorded_share, mark_share, mark_shares
from memjax.plots.ranges import range_of

STEP = [0, 10, 20]


def _series(values, **attrs):
    return xr.DataArray(values, dims=("seed", "step"), coords={"step": STEP}, attrs=attrs)


# Two runs, each twice: four of them have an interval.
TWO = [[0.0, 0.2, 0.9], [0.1, 0.8, 1.0]]
NAMED = _series([*TWO, *TWO], long_name="test accuracy", units="1").rename("test_accuracy")
ACCURACY = mark_share(NAMED.copy())


def _band(values, draw=plots.curve):
    ax = draw(values, x="step", ax=Figure().subplots())
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    return heights.min(), heights.max()


def test_a_band_of_an_accuracy_ends_at_0_and_1():
    # Without these ends the band of 0.0 and 0.1 begins at -0.04, and that of 0.2 and 0.8 ends at 1.05.
    assert _band(ACCURACY) == (0.0, 1.0)
    for name in ("corrupted train accuracy", "train error rate", "share of fitted examples", "fraction of runs"):
        recorded = mark_shares(xr.Dataset({"mine": NAMED.copy().assign_attrs(long_name=name)}))
        assert _band(recorded.mine) == (0.0, 1.0)
    assert _band(ACCURACY.assign_attrs(long_name="of my own", valid_range=(-0.01, 1.01))) == (-0.01, 1.01)
    assert _band(ACCURACY.assign_attrs(long_name="of my own", valid_min=0.0))[0] == 0.0


def test_a_value_outside_of_a_stated_range_is_no_silent_end_of_a_band():
    with pytest.raises(ValueError, match=r"state a range from 0 to 1, but it holds 1.8: .* set valid_range anew"):
        _band(ACCURACY.assign_attrs(valid_range=(0.0, 1.0)) * 2.0 - 0.0)


def _highest(values):
    return plots.curve(values, ax=Figure().subplots()).collections[0].get_paths()[0].vertices[:, 1].max()


@pytest.mark.parametrize(
    "name",
    [
        "gap of test accuracy",
        "log accuracy",
        "gap between train and test accuracy",
        "accuracy per parameter",
        "test loss",
    ],
)
def test_what_is_no_accuracy_keeps_its_band(name):
    low, high = _band(mark_shares(xr.Dataset({"mine": NAMED.copy().assign_attrs(long_name=name)})).mine)
    assert low < -0.04 and high > 1.04


def _sweep():
    """Accuracies of two optimizers at two sizes as a sweep records them; one is always better."""
    better = np.array([[0.9, 0.8, 0.95, 0.85, 0.9], [1.0, 1.0, 0.9, 1.0, 1.0]])
    worse = np.array([[0.0, 0.78, 0.94, 0.83, 0.85], [0.3, 0.9, 0.9, 0.9, 0.9]])
    values = np.stack([better, worse])[..., None] * np.array([0.5, 1.0])
    dims, attrs = ("optimizer", "train_size", "seed", "step"), {"long_name": "test accuracy", "units": "1"}
    coords = {"optimizer": ["adam", "sgd"], "train_size": [50, 100], "seed": range(5), "step": [0, 10]}
    names = {"test_accuracy": (dims, values, attrs), "train_accuracy": (dims, np.clip(values + 0.01, 0, 1), attrs)}
    return mark_shares(xr.Dataset(names, coords))


def _end(recorded):
    return recorded.test_accuracy.isel(step=-1)


SELECTED = {
    "step": lambda ds: _end(ds).sel(optimizer="sgd"),
    "step without its coordinate": lambda ds: ds.test_accuracy.isel(step=-1, drop=True).sel(optimizer="sgd", drop=True),
    "of the dataset": lambda ds: ds.sel(optimizer="sgd").isel(step=-1).test_accuracy,
    "in another order": lambda ds: _end(ds).sel(optimizer="sgd").sortby("train_size", ascending=False).transpose(),
    "renamed": lambda ds: _end(ds).sel(optimizer="sgd").rename("mine").assign_attrs(long_name="my own"),
    "last record": lambda ds: last(ds.test_accuracy).sel(optimizer="sgd"),
    "mean of records": lambda ds: mean.between(10, 10)(ds.test_accuracy).sel(optimizer="sgd"),
}
CALCULATED = {
    "two optimizers": lambda ds: _end(ds).sel(optimizer="adam") - _end(ds).sel(optimizer="sgd"),
    "without their coordinate": lambda ds: abs(
        _end(ds).sel(optimizer="adam", drop=True) - _end(ds).sel(optimizer="sgd", drop=True)
    ),
    "of the dataset": lambda ds: (ds.sel(optimizer="adam") - ds.sel(optimizer="sgd")).test_accuracy.isel(step=-1),
    "two records": lambda ds: ds.test_accuracy.diff("step").isel(step=0).sel(optimizer="sgd"),
    "two splits": lambda ds: (ds.train_accuracy - ds.test_accuracy).isel(step=-1).sel(optimizer="sgd"),
    "error": lambda ds: 1.0 - _end(ds).sel(optimizer="sgd"),
    "percent": lambda ds: 100.0 * _end(ds).sel(optimizer="sgd").assign_attrs(units="%"),
    "above chance": lambda ds: _end(ds).sel(optimizer="sgd") - 0.0,
    "gap": lambda ds: gap(ds.test_accuracy).sel(optimizer="sgd"),
    "mean over optimizers": lambda ds: _end(ds).mean("optimizer"),
}


def _ends(values):
    ax = plots.mean(values, x="train_size", ax=Figure().subplots())
    vertices = ax.collections[0].get_paths()[0].vertices
    return {(float(x), round(float(y), 6)) for x, y in vertices}


@pytest.mark.parametrize("name", SELECTED)
def test_the_band_of_a_selection_of_a_recorded_accuracy_ends_at_0_and_1(name):
    values = SELECTED[name](_sweep())
    whole = mean_interval(values)["mean_interval"].transpose("train_size", ...).sortby("train_size").values
    # Without the ends of the range the band of the smaller size goes from 0.18 to 1.18.
    assert whole.max() > 1.1 and range_of(values) == (0.0, 1.0)
    expected = whole.clip(0.0, 1.0)
    assert {(x, round(float(y), 6)) for x, pair in zip((50.0, 100.0), expected, strict=True) for y in pair} <= _ends(
        values
    )
    assert max(y for _, y in _ends(values)) == 1.0


@pytest.mark.parametrize("name", CALCULATED)
def test_what_was_calculated_keeps_the_whole_interval_whatever_its_name_and_its_values(name):
    recorded = _sweep()
    values = CALCULATED[name](recorded)
    whole = mean_interval(values)["mean_interval"].transpose("train_size", ...).values
    assert range_of(values) == (-np.inf, np.inf)
    assert {(x, round(float(y), 6)) for x, pair in zip((50.0, 100.0), whole, strict=True) for y in pair} <= _ends(
        values
    )
    if name == "two optimizers":
        # All differences are positive, and their mean need not be.
        assert float(values.min()) >= 0.0 and values.long_name == "test accuracy" and whole.min() < -0.2


def test_bars_of_a_difference_keep_the_whole_interval():
    recorded = _sweep()
    for values in (CALCULATED["two optimizers"](recorded), SELECTED["step"](recorded)):
        ax = plots.bars(values, "train_size", ax=Figure().subplots())
        found = np.array([line[:, 1] for line in ax.collections[0].get_segments()])
        whole = mean_interval(values)["mean_interval"].transpose("train_size", "bound").values
        np.testing.assert_allclose(found, whole.clip(*range_of(values)))
    assert range_of(values) == (0.0, 1.0)


def test_a_sweep_marks_what_it_records_and_files_keep_the_marks(tmp_path):
    spec = mj.Experiment(steps=2, record_every=2, train_size=8)
    recorded = mj.sweep(spec, over={"seed": [0, 1]})
    recorded["difference"] = recorded.test_accuracy - recorded.test_accuracy.isel(seed=0, drop=True)
    recorded["difference"].attrs = recorded.test_accuracy.attrs
    mj.save(recorded, tmp_path / "mine.nc")
    opened = mj.open(tmp_path / "mine.nc")
    assert opened.attrs == recorded.attrs
    for dataset in (recorded, opened):
        shares = {name for name, values in dataset.data_vars.items() if is_recorded_share(values)}
        assert shares == {"train_accuracy", "test_accuracy"}


def test_numbers_of_a_run_have_the_range_of_their_series_or_none():
    series = _series([[0.0, 0.2, 0.9], [0.3, 0.8, 1.0]] * 2, long_name="test accuracy", units="1")
    mark_share(series)
    runs = series.expand_dims(train_size=[50, 100])
    assert _highest(last(runs)) == 1.0
    # 0.7, 0.9, 0.7 and 0.9 have a standard error of 0.1 / sqrt(3), and t(3) = 3.182.
    assert _highest(gap(runs)) == pytest.approx(0.8 + 0.1837, abs=1e-3)


def test_a_mean_of_fewer_runs_says_so():
    holed = _series([[0.0, 0.2, 0.9], [0.1, 0.8, 1.0], [0.2, 0.5, 0.8], [0.3, 0.5, 0.7]])
    holed[2, 2] = np.nan
    label = plots.curve(holed, x="step", ax=Figure().subplots()).get_legend().get_texts()[0].get_text()
    assert label == "mean of 3 to 4 seeds, 95% interval"


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("draw", [plots.curve, plots.mean])
def test_fewer_than_four_runs_are_drawn_themselves(draw, count):
    values = _series([[0.0, 0.2, 0.9], [0.1, 0.8, 1.0], [0.2, np.inf, np.nan]])[-count:]
    ax = draw(values, x="step", ax=Figure().subplots())
    (runs,) = ax.collections
    finite = np.where(np.isfinite(values), values, np.nan)
    np.testing.assert_array_equal([line.vertices[:, 1] for line in runs.get_paths()], finite)
    assert all(line.vertices[:, 0].tolist() == STEP for line in runs.get_paths())
    assert runs.get_linewidths() < 1.0 and ax.get_ylim()[1] > np.nanmax(finite)
    np.testing.assert_array_equal(runs.get_colors()[0][:3], matplotlib.colors.to_rgb(ax.lines[0].get_color()))
    if draw is plots.curve:
        said = ax.get_legend().get_texts()[0].get_text().replace("\n", " ")
        assert said == f"{count - 1} to {count} runs (thin) and their mean, triangles: an infinite run"


def test_bars_of_fewer_than_four_runs_are_points_and_a_key_says_what_is_drawn():
    few = _series([[0.0, 0.2, 0.9], [0.1, 0.8, 1.0], [0.2, 0.4, 0.6]])
    ax = plots.mean(few, "step", ax=Figure().subplots(), seeds="bars")
    assert not ax.collections and sorted(ax.lines[1].get_ydata()) == sorted(few.values.ravel())
    wide = few.expand_dims(width=[8, 16])
    key = plots.trajectories(wide, "width", ax=Figure(layout="constrained").subplots()).figure.axes[1]
    assert key.get_ylabel() == "width\n3 runs (thin) and their mean"
    key = plots.trajectories(xr.concat([wide, wide], "seed"), "width", ax=Figure(layout="constrained").subplots())
    assert key.figure.axes[1].get_ylabel() == "width\nmean of 6 seeds, 95% interval"


def test_there_is_no_mean_of_runs_that_never_got_there():
    times = _series([[3.0, 5.0, np.inf], [4.0, 6.0, 7.0]], long_name="steps to 99%")
    ax = plots.curve(times, x="step", ax=Figure().subplots())
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3.5, 5.5, np.nan])
    said = ax.get_legend().get_texts()[0].get_text().replace("\n", " ")
    assert said == "2 runs (thin) and their mean, triangles: an infinite run"
    assert ax.lines[1].get_xdata().tolist() == [20] and 7.0 in ax.lines[2].get_ydata()


def test_what_was_calculated_can_be_named():
    error = 1.0 - ACCURACY
    wide = error.expand_dims(width=[8, 16])
    for ax in (
        plots.curve(error, x="step", name="test error rate", ax=Figure().subplots()),
        plots.curves(wide, x="step", name="test error rate", ax=Figure().subplots()),
        plots.trajectories(wide, by="width", name="test error rate", ax=Figure(layout="constrained").subplots()),
    ):
        assert ax.get_ylabel() == "test error rate"


def test_an_axis_of_times_that_never_come_can_be_drawn_with_plain_ticks():
    never = xr.DataArray(np.full((2, 3), np.inf), {"rate": [0.1, 0.2, 0.4]}, ("seed", "rate"))
    figure, (ax,) = plots.panels()
    plots.mean(never, "rate", ax=ax, of="geometric")
    # Ticks of the one axis fix the range of both, which on the other is around zero where there are no numbers.
    plots.plain_ticks(ax, "x")
    plots.plain_ticks(ax, "y")
    figure.canvas.draw()
    assert ax.get_ylim() == (1.0, 10.0)
    # What comes later still decides on the range.
    ax.plot([0.1, 0.4], [30.0, 400.0])
    assert ax.get_ylim()[1] > 300.0
