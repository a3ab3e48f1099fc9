"""Marks on the cells of a map: how many of its runs are infinite, which have no value, and borders between cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LINE_STYLES", "draw_borders", "mark_counts", "mark_empty", "mark_never"]

LINE_STYLES: tuple[Literal["-", "--", ":", "-."], ...] = ("-", "--", ":", "-.")
# Width of three letters, in units of their size; the smallest letters that can be read, and the largest ones used.
_THREE_LETTERS, _SMALLEST, _LARGEST = 1.9, 4.5, 7.5
# Diameter of a dot for a share of 1, as a share of the cell, and in points at most.
_DOT, _LARGEST_DOT = 0.75, 15.0
_KEY_SHARES = (0.25, 0.75)


def mark_never(ax: Axes, never: np.ndarray, times: bool = True) -> list[Any]:
    """Show in each cell ``[R, C]`` the share of infinite runs; return the entries of the legend.

    The share is the area of a white dot. A cell of which all runs are infinite is grey. Of ``times``, the legend says that
    these runs never got there.
    """
    from matplotlib.lines import Line2D

    none, few = ("no run got there", "never got there") if times else ("every run is infinite", "are infinite")
    handles = _fill(ax, never == 1.0, none, {"facecolor": "0.6", "edgecolor": "0.6", "linewidth": 0.0})
    some = np.argwhere((never > 0.0) & (never < 1.0))
    if not some.size:
        return handles
    largest = max(min(_DOT * min(_cell_size(ax, never.shape)), _LARGEST_DOT), 1.5)
    look: dict[str, Any] = {"facecolors": "white", "edgecolors": "black", "linewidths": 0.6, "zorder": 2.5}
    ax.scatter(some[:, 1], some[:, 0], largest**2 * never[some[:, 0], some[:, 1]], **look)
    shown: dict[str, Any] = {"linestyle": "none", "marker": "o", "markerfacecolor": "white", "markeredgecolor": "black"}
    for share in _KEY_SHARES:
        text, size = f"{share:.0%} of runs {few}", largest * share**0.5
        handles.append(Line2D([], [], markersize=size, markeredgewidth=0.6, label=text, **shown))
    return handles


def mark_empty(ax: Axes, empty: np.ndarray) -> list[Any]:
    """Hatch the cells ``[R, C]`` in which no run has a value; return the legend entry."""
    look = {"facecolor": "white", "edgecolor": "0.45", "hatch": "/////", "linewidth": 0.0}
    return _fill(ax, empty, "no run with a value", look)


def _fill(ax: Axes, cells: np.ndarray, text: str, look: dict[str, Any]) -> list[Any]:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Patch, Rectangle

    where = np.argwhere(cells)
    if not where.size:
        return []
    squares = [Rectangle((column - 0.5, row - 0.5), 1.0, 1.0) for row, column in where]
    ax.add_collection(PatchCollection(squares, **look))
    return [Patch(label=text, **look)]


def mark_counts(ax: Axes, known: np.ndarray, runs: int) -> list[Any]:
    """Write the number of runs with a value into every cell ``[R, C]`` that lacks some; return the legend entry.

    Cells too small for letters get a cross.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    some = np.argwhere((known > 0) & (known < runs))
    if not some.size:
        return []
    width, height = _cell_size(ax, known.shape)
    room = min(0.8 * width / _THREE_LETTERS, height / 1.4)
    rim, written = [withStroke(linewidth=1.6, foreground="white")], room >= _SMALLEST
    for row, column in some.tolist():
        text = f"{known[row, column]}/{runs}" if written else "\N{MULTIPLICATION SIGN}"
        ax.text(
            column, row, text, ha="center", va="center", color="black", path_effects=rim,
            fontsize=min(room, _LARGEST) if written else _SMALLEST,
        )  # fmt: skip
    if written:
        return [Line2D([], [], linestyle="none", label=f"k/{runs}: only k of {runs} runs have a value")]
    return [Line2D([], [], linestyle="none", marker="x", color="black", label="some runs without a value")]


def draw_borders(ax: Axes, middle: np.ndarray, levels: Sequence[float], name: str) -> list[Any]:
    """Draw each level along the edges between cells below and cells above, and return the entries of the legend."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    handles = []
    for level, dashes in zip(levels, LINE_STYLES, strict=False):
        # Black on a white rim shows on every colour of the map.
        rim = [withStroke(linewidth=3.2, foreground="white")]
        lines = LineCollection(
            _border(middle, level), colors="black", linewidths=1.4, linestyles=dashes, path_effects=rim
        )
        ax.add_collection(lines)
        handles.append(Line2D([], [], color="black", linewidth=1.4, linestyle=dashes, label=f"{name} = {level:g}"))
    return handles


def _border(middle: np.ndarray, level: float) -> list[list[tuple[float, float]]]:
    """Edges between neighbouring cells of which exactly one is below a level.

    An infinite cell is not below any level; a cell with NaN has no edges.
    """
    above, known = middle >= level, ~np.isnan(middle)
    across = np.argwhere((above[:, 1:] != above[:, :-1]) & known[:, 1:] & known[:, :-1])
    upward = np.argwhere((above[1:] != above[:-1]) & known[1:] & known[:-1])
    upright = [[(column + 0.5, row - 0.5), (column + 0.5, row + 0.5)] for row, column in across.tolist()]
    return upright + [[(column - 0.5, row + 0.5), (column + 0.5, row + 0.5)] for row, column in upward.tolist()]


def _cell_size(ax: Axes, shape: tuple[int, ...]) -> tuple[float, float]:
    """Width and height of a cell in points."""
    width, height = (72.0 * pixels / ax.figure.dpi for pixels in ax.bbox.size)
    return width / shape[1], height / shape[0]
