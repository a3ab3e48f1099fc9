"""Bands keep to the range of what they show, a mean of fewer runs says so, and arithmetic gets its own name."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from memjax import plots
from memjax.analysis import gap, last

STEP = [0, 10, 20]


def _series(values, **attrs):
    return xr.DataArray(values, dims=("seed", "step"), coords={"step": STEP}, attrs=attrs)


ACCURACY = _series([[0.0, 0.2, 0.9], [0.1, 0.8, 1.0]], long_name="test accuracy", units="1")


def _band(values, draw=plots.curve):
    ax = draw(values, x="step", ax=Figure().subplots())
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    return heights.min(), heights.max()


def test_a_band_of_an_accuracy_ends_at_0_and_1():
    # Two seeds a tenth apart have t(1) = 12.7: without its ends the band of 0.2 and 0.8 goes from -3.3 to 4.3.
    assert _band(ACCURACY) == (0.0, 1.0)
    assert _band(100.0 * ACCURACY.assign_attrs(units="%")) == (0.0, 100.0)
    assert _band(ACCURACY.drop_attrs().rename("train_accuracy")) == (0.0, 1.0)
    assert _band(ACCURACY.assign_attrs(long_name="of my own", valid_range=(-1.0, 2.0))) == (-1.0, 2.0)


def _highest(values):
    return plots.curve(values, ax=Figure().subplots()).collections[0].get_paths()[0].vertices[:, 1].max()


@pytest.mark.parametrize("name", ["gap of test accuracy", "log accuracy", "accuracy per parameter", "test loss"])
def test_what_is_no_accuracy_keeps_its_band(name):
    low, high = _band(ACCURACY.assign_attrs(long_name=name))
    assert low < -3.0 and high > 4.0
    # Differences of accuracies keep xarray's name, and are below 0 somewhere.
    assert _band(ACCURACY - 0.5)[0] < -3.0


def test_numbers_of_a_run_have_the_range_of_their_series_or_none():
    series = _series([[0.0, 0.2, 0.9], [0.3, 0.8, 1.0]], long_name="test accuracy", units="1")
    runs = series.expand_dims(train_size=[50, 100])
    assert _highest(last(runs)) == 1.0
    # Half the distance of 0.7 and 0.9 times t(1) = 12.7 above their mean.
    assert _highest(gap(runs)) == pytest.approx(0.8 + 1.2706, abs=1e-3)


def test_a_mean_of_fewer_runs_says_so():
    holed = _series([[0.0, 0.2, 0.9], [0.1, 0.8, 1.0], [0.2, 0.5, 0.8]])
    holed[2, 2] = np.nan
    label = plots.curve(holed, x="step", ax=Figure().subplots()).get_legend().get_texts()[0].get_text()
    assert label == "mean of 2 to 3 seeds, 95% interval"


def test_there_is_no_mean_of_runs_that_never_got_there():
    times = _series([[3.0, 5.0, np.inf], [4.0, 6.0, 7.0]], long_name="steps to 99%")
    ax = plots.curve(times, x="step", ax=Figure().subplots())
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3.5, 5.5, np.nan])
    assert ax.get_legend().get_texts()[0].get_text() == "mean of 2 seeds, 95% interval, triangles: an infinite run"
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
