"""Several curves on one pair of axes: each the mean of its own runs, told apart in colour and in grey."""

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from memjax import plots
from memjax.analysis import mean_interval

SIZE, WIDTH = [50, 100, 200, 800], [8, 16, 32]


@pytest.fixture
def gap():
    noise = np.random.default_rng(0).standard_normal((4, 3, 4))
    return xr.DataArray(
        np.arange(12.0).reshape(3, 4) + 0.1 * noise,
        dims=("seed", "width", "train_size"),
        coords={"train_size": SIZE, "width": ("width", WIDTH, {"long_name": "hidden width"})},
        attrs={"long_name": "gap of L2 norm", "units": "1"},
    )


def draw(values, **options):
    return plots.curves(values, "train_size", "width", ax=Figure(layout="constrained").subplots(), **options)


def test_every_curve_is_the_mean_of_its_runs_in_order(gap):
    ax = draw(gap[:, [2, 0, 1], ::-1])
    for line, band, width in zip(ax.lines, ax.collections, WIDTH, strict=True):
        summary = mean_interval(gap.sel(width=width))
        np.testing.assert_allclose(line.get_ydata(), summary["mean"])
        assert line.get_xdata().tolist() == SIZE and line.get_label() == str(width)
        lower = np.unique(band.get_paths()[0].vertices[:, 1]).min()
        assert lower == summary.mean_interval.sel(bound="lower").min()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("train size", "gap of L2 norm", "log")


def test_curves_are_told_apart_without_colour(gap):
    ax = draw(gap)
    grey = [np.dot(matplotlib.colors.to_rgb(line.get_color()), [0.3, 0.6, 0.1]) for line in ax.lines]
    assert np.all(np.diff(grey) > 0.1)
    assert len({line.get_marker() for line in ax.lines}) == 3
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "hidden width\nmean of 4 seeds,\n95% interval"
    assert [text.get_text() for text in legend.get_texts()] == ["8", "16", "32"]


def test_many_numbers_get_a_colour_bar_and_categories_a_legend(gap):
    many = xr.concat([gap] * 3, "width").assign_coords(width=np.arange(9)[::-1] / 10)
    ax = draw(many)
    bar = ax.figure.axes[1]
    assert ax.get_legend() is None
    assert [text.get_text() for text in bar.get_yticklabels()] == ["0", *(f"0.{i}" for i in range(1, 9))]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), gap.isel(width=2).mean("seed"))
    named = draw(gap.assign_coords(width=["tanh", "relu", "gelu"]))
    assert [text.get_text() for text in named.get_legend().get_texts()] == ["tanh", "relu", "gelu"]


def test_without_seeds_there_are_lines_only_and_the_key_can_be_left_out(gap):
    ax = draw(gap.isel(seed=1), key=False)
    assert not ax.collections and ax.get_legend() is None and len(ax.figure.axes) == 1
    np.testing.assert_array_equal(ax.lines[2].get_ydata(), gap.values[1, 2])
    assert draw(gap.isel(seed=1)).get_legend().get_title().get_text() == "hidden width"


def test_a_curve_with_a_diverged_run_is_the_mean_of_the_others(gap):
    gap[0, 1] = np.nan
    gap[:, 2, 3] = np.nan
    ax = draw(gap)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), gap[1:, 1].mean("seed"))
    assert np.isnan(ax.lines[2].get_ydata()).tolist() == [False, False, False, True]


def test_errors(gap):
    with pytest.raises(ValueError, match="by = 'width' is not a dimension"):
        draw(gap.isel(width=0))
    with pytest.raises(ValueError, match=r"Choose one entry of \['depth'\]"):
        draw(gap.expand_dims("depth"))
    with pytest.raises(ValueError, match="has no numeric coordinate"):
        draw(gap.drop_vars("train_size"))
    with pytest.raises(ValueError, match="level = 2"):
        draw(gap, level=2)
