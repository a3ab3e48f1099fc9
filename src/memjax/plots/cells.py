"""One number per cell of a map, and how many of its runs are finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from memjax.analysis import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Cells", "cells_of", "mark_cells"]

# Width of three letters, in units of their size; the smallest letters that can be read, and the largest ones used.
_THREE_LETTERS, _SMALLEST, _LARGEST = 1.9, 4.5, 7.5


class Cells(NamedTuple):
    """Cells ``(y, x)`` of a map.

    Attributes
    ----------
    middle
        Mean or median of the runs; infinite if the median run never got there, NaN without any run.
    finite, runs
        Number of finite runs, and number of all runs.
    text
        Words for ``middle``, to stand behind the name of the quantity; empty for the mean.
    """

    middle: xr.DataArray
    finite: xr.DataArray
    runs: int
    text: str


def cells_of(values: xr.DataArray, over: str, average: Literal["mean", "median"] | None) -> Cells:
    """Average runs over ``over``; by default by the median if a run is infinite, because then there is no mean.

    For the median, infinity (a run that never got there) is the largest time. NaN and minus infinity are left out.

    Examples
    --------
    >>> times = xr.DataArray([500.0, np.inf, np.inf, 700.0, 900.0], dims="seed")
    >>> float(cells_of(times, "seed", None).middle), float(cells_of(times, "seed", "mean").middle)
    (900.0, 700.0)
    """
    known = values.where(values > -np.inf)
    endless, finite = bool((known == np.inf).any()), (known.notnull() & (known < np.inf)).astype(int)
    if over not in values.dims:
        return Cells(known, finite, 1, "")
    finite, runs = finite.sum(over), values.sizes[over]
    if average == "mean" or (average is None and not endless):
        mean = mean_interval(known, over)["mean"]
        return Cells(mean, finite, runs, f"mean of the finite {over}s" if endless else "")
    # The two middle values of the runs that are not NaN; NaN come last in the order.
    ordered = np.sort(known.transpose(..., over).astype(np.float64).values, axis=-1)
    count = (~np.isnan(ordered)).sum(axis=-1, keepdims=True)
    places = np.concatenate([np.maximum(count - 1, 0) // 2, np.minimum(count // 2, runs - 1)], axis=-1)
    middles = np.take_along_axis(ordered, places, axis=-1).mean(axis=-1)
    middle = finite.copy(data=np.where(count[..., 0] > 0, middles, np.nan))
    return Cells(middle, finite, runs, f"median over {over}s" + (", infinite = largest" if endless else ""))


def mark_cells(ax: Axes, finite: np.ndarray, runs: int) -> list[Any]:
    """Write the number of finite runs into every cell ``[R, C]`` in which only some runs are finite; return the legend entry.

    Cells too small for letters get a point.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    some = np.argwhere((finite > 0) & (finite < runs))
    if not some.size:
        return []
    width, height = (72.0 * pixels / ax.figure.dpi for pixels in ax.bbox.size)
    room = min(0.8 * width / finite.shape[1] / _THREE_LETTERS, height / finite.shape[0] / 1.4)
    rim, written = [withStroke(linewidth=1.6, foreground="white")], room >= _SMALLEST
    for row, column in some.tolist():
        text = f"{finite[row, column]}/{runs}" if written else "\N{BULLET}"
        ax.text(
            column, row, text, ha="center", va="center", color="black", path_effects=rim,
            fontsize=min(room, _LARGEST) if written else _SMALLEST,
        )  # fmt: skip
    if written:
        return [Line2D([], [], linestyle="none", label=f"k/{runs}: k of {runs} runs finite")]
    return [Line2D([], [], linestyle="none", marker=".", color="black", label="some runs not finite")]
