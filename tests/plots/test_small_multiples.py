"""One panel per value: each gets its own values, and what all share is said once."""

from io import BytesIO

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from memjax import plots


@pytest.fixture
def gap():
    return xr.DataArray(
        np.arange(5 * 2 * 3, dtype=float).reshape(5, 2, 3) ** 2,
        dims=("width", "seed", "train_size"),
        coords={"width": [8, 16, 32, 64, 128], "train_size": [50, 100, 800]},
        attrs={"long_name": "gap of L2 norm"},
    )


def curve(panel, ax):
    plots.curve(panel, x="train_size", ax=ax)


def shown(figure):
    return [ax for ax in figure.axes if ax.get_visible()]


def test_each_panel_draws_its_own_values_and_the_rest_is_hidden(gap):
    panels = plots.small_multiples(curve, gap, "width", columns=3)
    figure = panels[0].figure
    figure.savefig(BytesIO(), format="png")
    for ax, width in zip(panels, [8, 16, 32, 64, 128], strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), gap.sel(width=width).mean("seed"))
        assert ax.get_title() == f"width = {width}"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("", "")
    assert shown(figure) == list(panels) and len(figure.axes) == 6
    assert figure.get_supxlabel() == "train size" and figure.get_supylabel() == "gap of L2 norm"
    columns = {round(ax.get_position().x0, 6) for ax in panels}
    assert len(columns) == 3


def test_panels_share_axes_and_the_lowest_of_each_column_is_numbered(gap):
    panels = plots.small_multiples(curve, gap, "width", columns=3)
    assert len({ax.get_ylim() for ax in panels}) == 1 and {ax.get_xscale() for ax in panels} == {"log"}
    panels[0].figure.canvas.draw()
    numbered = [any(tick.label1.get_visible() for tick in ax.xaxis.get_major_ticks()) for ax in panels]
    assert numbered == [False, False, True, True, True]


def test_a_legend_that_all_share_stands_once_above(gap):
    panels = plots.small_multiples(curve, gap, "width")
    assert [ax.get_legend() for ax in panels] == [None] * 5
    (legend,) = panels[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["2 runs (thin) and their mean"]


def test_a_legend_of_one_panel_that_holds_all_others_is_shared(gap):
    gap[1, :, 0] = np.nan
    maps = gap.expand_dims(depth=[1, 2])
    panels = plots.small_multiples(
        lambda panel, ax: plots.phase_diagram(panel, "train_size", "depth", contour=100.0, ax=ax), maps, "width"
    )
    (legend,) = panels[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["no run with a value", "gap of L2 norm = 100"]
    assert not any(ax.get_legend() for ax in panels)


def test_what_differs_stays_with_its_panel(gap):
    def draw(panel, ax):
        ax.plot([0, 1], label=f"{panel.width.item()}")
        ax.set_xlabel(f"x of {panel.width.item()}")
        ax.legend()

    panels = plots.small_multiples(draw, gap.isel(width=[0, 1]), "width")
    assert [ax.get_xlabel() for ax in panels] == ["x of 8", "x of 16"]
    assert [ax.get_legend().get_texts()[0].get_text() for ax in panels] == ["8", "16"]
    assert panels[0].figure.get_supxlabel() == "" and not panels[0].figure.legends


def test_given_axes_are_drawn_on_also_those_of_a_subfigure(gap):
    left, right = Figure(layout="constrained").subfigures(1, 2)
    axes = right.subplots(2, 3, sharex=True)
    panels = plots.small_multiples(curve, gap, "width", axes)
    assert list(panels) == axes.ravel()[:5].tolist() and not axes[1, 2].get_visible()
    assert right.get_supxlabel() == "train size" and left.get_supxlabel() == ""
    assert len(right.legends) == 1 and not left.legends and not right.get_figure(root=True).legends
    assert not plt.get_fignums()


def test_axes_without_a_layout_keep_one_legend_inside(gap):
    panels = plots.small_multiples(curve, gap.isel(width=[0, 1]), "width", Figure().subplots(1, 2))
    assert [ax.get_legend() is None for ax in panels] == [False, True] and not panels[0].figure.legends


def test_titles_name_value_and_unit(gap):
    named = gap.isel(width=[0, 1]).rename(width="label_noise")
    noise = named.assign_coords(label_noise=("label_noise", [0.1, 0.001], {"units": "%"}))
    assert [ax.get_title() for ax in plots.small_multiples(curve, noise, "label_noise")] == [
        "label noise = 0.1 %", "label noise = 0.001 %",
    ]  # fmt: skip


def test_errors(gap):
    with pytest.raises(ValueError, match="by = 'depth' is not a dimension"):
        plots.small_multiples(curve, gap, "depth")
    with pytest.raises(ValueError, match="columns = 0 must be a positive"):
        plots.small_multiples(curve, gap, "width", columns=0)
    with pytest.raises(ValueError, match="axes holds 2 axes, but by = 'width' has 5 values"):
        plots.small_multiples(curve, gap, "width", Figure().subplots(1, 2))
    assert not plt.get_fignums()
