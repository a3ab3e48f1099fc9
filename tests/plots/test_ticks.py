"""Numbers below a linear horizontal axis do not touch, however many digits they have."""

import itertools

import numpy as np
import pytest
import xarray as xr
from matplotlib.ticker import AutoLocator

from memjax import plots
from memjax.plots.ticks import roomy_locator


def shown(ax):
    """Numbers below an axis, and the gaps between them in points, as the figure is drawn."""
    figure = ax.figure
    figure.draw_without_rendering()
    texts = [label for label in ax.get_xticklabels() if label.get_text()]
    low, high = ax.get_xlim()
    inside = [text for text in texts if low <= text.get_position()[0] <= high]
    boxes = [text.get_window_extent(figure._get_renderer()) for text in inside]
    gaps = [72 * (right.x0 - left.x1) / figure.dpi for left, right in itertools.pairwise(boxes)]
    return [text.get_text() for text in inside], gaps


@pytest.mark.parametrize(
    ("width", "end"), [(3.2, 150_000.0), (2.4, 200_000.0), (4.0, 200_000.0), (2.4, 400_000.0), (3.4, 600_000.0)]
)
def test_numbers_have_the_space_of_a_digit_between_them_where_matplotlib_leaves_less(width, end):
    ax = plots.panels(width=width)[1][0]
    ax.set_xlim(0.0, end)
    numbers, gaps = shown(ax)
    assert len(numbers) >= 3 and min(gaps) > 5.0
    ax.xaxis.set_major_locator(AutoLocator())
    assert min(shown(ax)[1]) < 4.0


def test_four_hundred_thousand_steps_have_a_tick_at_every_hundred_thousand():
    axes = plots.panels(1, 2, width=4.2)[1]
    axes[0].set(xlim=(0, 400_000), ylabel="sharpness")
    assert shown(axes[0])[0] == ["0", "100000", "200000", "300000", "400000"]


@pytest.mark.parametrize("end", [1.0, 500.0, 10_000.0, 30_000.0])
def test_short_numbers_stand_where_matplotlib_puts_them(end):
    axes = plots.panels(1, 2)[1]
    for ax in axes:
        ax.set_xlim(0.0, end)
    axes[1].xaxis.set_major_locator(AutoLocator())
    assert shown(axes[0])[0] == shown(axes[1])[0]


def test_an_axis_that_grows_has_its_ticks_back():
    figure, axes = plots.panels(width=2.6)
    axes[0].set_xlim(0, 400_000)
    few = shown(axes[0])[0]
    figure.set_size_inches(8.0, 3.0)
    assert len(shown(axes[0])[0]) > len(few)


def test_categories_and_logarithms_keep_their_own_ticks():
    axes = plots.panels(1, 2)[1]
    axes[0].plot(["relu", "sin", "tanh"], [1.0, 2.0, 3.0])
    axes[1].plot([1.0, 1000.0], [1.0, 2.0])
    plots.plain_ticks(axes[1])
    assert shown(axes[0])[0] == ["relu", "sin", "tanh"]
    assert shown(axes[1])[0] == ["1", "10", "100", "1000"]


def test_figures_that_memjax_opens_itself_have_the_same_ticks():
    step = np.arange(0, 400_001, 100_000)
    loss = xr.DataArray(np.ones((2, 2, 5)), {"width": [1, 2], "seed": [0, 1], "step": step}, ("width", "seed", "step"))
    one = plots.mean(loss.isel(width=0), x="step")
    several = plots.small_multiples(lambda panel, ax: plots.mean(panel, x="step", ax=ax), loss, by="width")
    run = plots.base_run(xr.Dataset({"train_loss": loss.isel(width=0)}))
    for ax in (one, *several, run[0]):
        assert isinstance(ax.xaxis.get_major_locator(), roomy_locator())
