"""Bands keep to the range of what they show, a mean of fewer runs says so, and arithmetic gets its own name."""

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from memjax import plots
from memjax.analysis import gap, last

STEP = [0, 10, 20]


def _series(values, **attrs):
    return xr.DataArray(values, dims=("seed", "step"), coords={"step": STEP}, attrs=attrs)


# Two runs, each twice: four of them have an interval.
TWO = [[0.0, 0.2, 0.9], [0.1, 0.8, 1.0]]
ACCURACY = _series([*TWO, *TWO], long_name="test accuracy", units="1")


def _band(values, draw=plots.curve):
    ax = draw(values, x="step", ax=Figure().subplots())
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    return heights.min(), heights.max()


def test_a_band_of_an_accuracy_ends_at_0_and_1():
    # Without these ends the band of 0.0 and 0.1 begins at -0.04, and that of 0.2 and 0.8 ends at 1.05.
    assert _band(ACCURACY) == (0.0, 1.0)
    assert _band(100.0 * ACCURACY.assign_attrs(units="%")) == (0.0, 100.0)
    assert _band(ACCURACY.drop_attrs().rename("train_accuracy")) == (0.0, 1.0)
    for name in ("corrupted train accuracy", "train error rate", "share of fitted examples", "fraction of runs"):
        assert _band(ACCURACY.assign_attrs(long_name=name)) == (0.0, 1.0)
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
    low, high = _band(ACCURACY.assign_attrs(long_name=name))
    assert low < -0.04 and high > 1.04
    # Differences of accuracies keep xarray's name, and are below 0 somewhere.
    assert _band(ACCURACY - 0.5)[0] < -0.54


def test_numbers_of_a_run_have_the_range_of_their_series_or_none():
    series = _series([[0.0, 0.2, 0.9], [0.3, 0.8, 1.0]] * 2, long_name="test accuracy", units="1")
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
