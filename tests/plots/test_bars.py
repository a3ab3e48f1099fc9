"""Bars of categories against the numbers that they are made from."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from memjax import plots
from memjax.analysis import mean_interval
from memjax.checks.shares import mark_share


@pytest.fixture
def accuracy():
    values = np.array([[0.5, 0.9, 1.0], [0.1, 0.4, 0.6]])[..., None] - np.array([0.0, 0.04, 0.02, 0.1])
    coords = {"width": [8, 16], "activation": ["relu", "tanh", "sine"]}
    return xr.DataArray(
        values, coords, ("width", "activation", "seed"), attrs={"long_name": "test accuracy", "units": "1"}
    )


def draw(values, *names, **options):
    return plots.bars(values, *names, ax=Figure(layout="constrained").subplots(), **options)


def intervals(ax, bars):
    """Lower and upper ends of the intervals of one colour."""
    (lines,) = ax.containers[bars].errorbar[2] if ax.containers[bars].errorbar else ax.collections[bars : bars + 1]
    return np.array([segment[:, 1] for segment in lines.get_segments()]).T


def test_bars_are_means_with_their_intervals_in_the_order_of_the_categories(accuracy):
    one = mark_share(accuracy).sel(width=16)
    ax = draw(one, "activation")
    summary = mean_interval(one)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], summary["mean"])
    np.testing.assert_allclose(intervals(ax, 0), summary.mean_interval.transpose("bound", ...).clip(0.0, 1.0))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["relu", "tanh", "sine"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("activation", "test accuracy")
    assert ax.get_legend().get_title().get_text() == "mean of 4 seeds, 95% interval"


def test_groups_stand_side_by_side_and_do_not_touch_those_of_the_next_category(accuracy):
    ax = draw(accuracy, "activation", "width")
    lefts = np.array([bar.get_x() for bar in ax.patches]).reshape(2, 3)
    np.testing.assert_allclose(lefts, [[-0.4, 0.6, 1.6], [0.0, 1.0, 2.0]], atol=1e-9)
    heights = np.array([bar.get_height() for bar in ax.patches]).reshape(2, 3)
    np.testing.assert_allclose(heights, accuracy.mean("seed"))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["8", "16"]


def test_bars_that_lie_read_from_above(accuracy):
    ax = draw(accuracy.sel(width=8), "activation", horizontal=True)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], accuracy.sel(width=8).mean("seed"))
    assert [text.get_text() for text in ax.get_yticklabels()] == ["relu", "tanh", "sine"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("test accuracy", "activation")


def test_few_runs_are_points_and_diverged_runs_are_left_out(accuracy):
    few = accuracy.sel(width=8).isel(seed=slice(3))
    few[1, 0] = np.nan
    ax = draw(few, "activation")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), few.transpose("seed", ...).values.ravel())
    assert not ax.collections and ax.patches[1].get_height() == pytest.approx(few[1, 1:].mean())
    assert ax.get_legend().get_title().get_text() == "2 to 3 runs (points) and their mean"
    lone = draw(few.isel(seed=0), "activation")
    assert not lone.lines and not lone.collections and lone.get_legend() is None


def test_errors(accuracy):
    with pytest.raises(ValueError, match="x = 'depth' is not a dimension"):
        draw(accuracy, "depth")
    with pytest.raises(ValueError, match=r"Choose one entry of \['width'\]"):
        draw(accuracy, "activation")
    with pytest.raises(ValueError, match="level = 2"):
        draw(accuracy, "activation", "width", level=2)
