"""One line per value of a dimension, and the key that tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax.plots.axes import fit_legend, label_of, size_of, text_of, wrapped
from memjax.plots.means import draw_mean
from memjax.plots.styles import CATEGORY_COLORS, MARKERS, ordered_colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["add_color_key", "add_line_key", "colors_of", "draw_lines", "is_numeric", "ticks_of"]

_MAX_TICKS = 12


def is_numeric(coordinate: xr.DataArray) -> bool:
    """Whether the values of a coordinate are numbers, so that they have an order."""
    return coordinate.dtype.kind in "iuf"


def ticks_of(coordinate: xr.DataArray, most: int = _MAX_TICKS) -> tuple[list[int], list[str]]:
    """Ranks of the values to label, in even steps, at most ``most`` and at most twelve, and the text of each label."""
    step = -(-coordinate.size // min(most, _MAX_TICKS))
    ranks = list(range(0, coordinate.size, step))
    return ranks, [text_of(coordinate.values[rank]) for rank in ranks]


def draw_lines(
    ax: Axes, values: xr.DataArray, x: str, by: str, over: str, level: float, *, marked: bool = False
) -> tuple[list[xr.DataArray], list[Any]]:
    """Draw the mean of ``values (by, over, x)`` against ``x`` with its band, one line per value of ``by``.

    Numbers are drawn in their order and coloured dark to light; anything else gets a colour of the colour-blind safe
    set each. With ``marked`` every line has a marker of its own, until the markers are used up. Returns means and colours.
    """
    numeric = is_numeric(values[by])
    values = values.sortby(by) if numeric else values
    count = values.sizes[by]
    colors = colors_of(values, by)
    markers: tuple[str, ...] = ("",) * count
    if marked:
        markers = MARKERS[:count] if count <= len(MARKERS) else ("o",) * count
    means = [
        draw_mean(
            ax,
            values.isel({by: index}),
            x,
            over,
            level,
            color=color,
            marker=marker,
            label=text_of(values[by].values[index]),
        )
        for index, (color, marker) in enumerate(zip(colors, markers, strict=True))
    ]
    return means, colors


def colors_of(values: xr.DataArray, by: str) -> list[Any]:
    """A colour for every value of a dimension: numbers dark to light, anything else of the colour-blind safe set."""
    return ordered_colors(values.sizes[by]) if is_numeric(values[by]) else _category_colors(values, by)


def _category_colors(values: xr.DataArray, by: str) -> list[str]:
    if values.sizes[by] > len(CATEGORY_COLORS):
        raise ValueError(
            f"by = {by!r} has {values.sizes[by]} categories, but only {len(CATEGORY_COLORS)} colours can be told "
            f"apart; choose some of them, for example with .isel({by}=slice({len(CATEGORY_COLORS)}))."
        )
    return list(CATEGORY_COLORS[: values.sizes[by]])


def add_line_key(ax: Axes, coordinate: xr.DataArray, said: str = "") -> None:
    """Add a legend beside the axes, because many lines leave no room inside."""
    title = "\n".join([label_of(coordinate), said.replace(", ", ",\n")]).strip()
    beside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "alignment": "left"}
    ax.legend(title=title, title_fontsize="small", **beside)
    fit_legend(ax)


def add_color_key(ax: Axes, coordinate: xr.DataArray, colors: list[Any], said: str = "") -> None:
    """Add a colour bar for numbers drawn in their order, with words for line and band under the name of the numbers."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    # One cell per value, by rank: values that double would otherwise crowd at one end of the bar.
    coordinate = coordinate.sortby(coordinate.dims[0])
    edges = np.arange(len(colors) + 1) - 0.5
    mappable = ScalarMappable(BoundaryNorm(edges, len(colors)), ListedColormap(colors))
    ranks, texts = ticks_of(coordinate)
    text = "\n".join([label_of(coordinate), said]).strip()
    bar = ax.figure.colorbar(mappable, ax=ax, ticks=ranks)
    bar.set_label(wrapped(text, 0.8 * size_of(ax)[1]))
    bar.ax.set_yticklabels(texts)
    bar.ax.tick_params(length=0.0, which="both")
