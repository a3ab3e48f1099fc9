"""Maps over two swept axes: where a quantity is large or small and where the border runs, or of which kind runs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from memjax.checks.labelled import require_array, require_choice, require_dim, require_only_dims
from memjax.plots.axes import axes_or_new, fit_legend, label_of, set_labels, size_of, wrapped
from memjax.plots.category_names import category_ticks
from memjax.plots.cells import Cells, cells_of
from memjax.plots.lines import is_numeric, ticks_of
from memjax.plots.marks import LINE_STYLES, draw_borders, mark_counts, mark_empty, mark_never
from memjax.plots.styles import CATEGORY_COLORS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colors import Normalize

__all__ = ["category_map", "phase_diagram"]

# Width and height in inches of a figure with a map, its legend and its colour bar.
_SIZE = (5.2, 3.9)
# Room in points for the width of a letter and for the height of a tick label, both with a small reserve.
_LETTER, _LINE = 4.9, 14.0


@style()
def phase_diagram(
    values: xr.DataArray,
    x: str,
    y: str,
    over: str = "seed",
    ax: Axes | None = None,
    *,
    center: float | None = None,
    contour: float | Sequence[float] | None = None,
    limits: tuple[float, float] | None = None,
    key: bool = True,
    average: Literal["mean", "median"] | None = None,
    name: str | None = None,
) -> Axes:
    """Draw the mean over seeds as a map over two swept axes, and the share of runs that never got there.

    Parameters
    ----------
    values
        Values, dimensions ``(over, x, y)`` in any order; ``over`` may be missing. Infinity is the time of a run that never got
        there (`time_to_threshold`), and the legend says so; the units or, without units, the name tell times from other
        numbers. Infinite runs are no part of a mean or a median: the area of a white dot is their share, and a cell in which
        every run is infinite is grey. NaN (diverged runs) are left out: a cell in which some runs are NaN says how
        many are not, and a cell without any value is hatched.
    x, y
        Dimensions of the horizontal and the vertical axis. Numbers are sorted and placed by rank, since swept values often
        double; anything else keeps its order. All cells have one size.
    over
        Dimension of the seeds. Where this is ``x`` or ``y``, every run has a cell of its own.
    ax
        Where to draw; a new figure by default.
    center
        Value in the middle of a diverging colour map, such as 0 for a difference. Without this value the map is viridis,
        logarithmic if all means are positive and span more than two decades.
    contour
        Up to four levels; each is drawn as a line along the edges between cells below it and cells at or above it. A cell in
        which half of the runs or more never got there is not below any level.
    limits
        Ends of the colours, so that several panels can share them; by default the least and the largest mean. With ``center``
        the colours reach equally far to both sides of the center.
    key
        Whether to add the colour bar. Of several panels with the same ``limits``, one is enough.
    average
        How a cell averages its finite runs; by default the median if any run of the map is infinite, otherwise the mean. Name
        one for several panels if only some of them have infinite runs. The colour bar says which runs are averaged.
    name
        Text of the colour bar, by default the long name of the values, as in `curve`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on. The cells are ``ax.collections[0]``, for your own colour bar. The legend stands above the map: if
        there is one, make room for a title by ``ax.set_title(text, pad=20)``.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray, lacks ``x`` or ``y`` or has further dimensions, ``x`` and ``y`` are the same,
        a level of ``contour`` is not finite or there are more than four, ``limits`` are not two rising numbers, ``center``
        is not finite, or ``average`` is not one of its choices.

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> accuracy = xr.DataArray([[0.1, 0.9], [0.4, 1.0]], dims=("width", "train_size"),
    ...                         coords={"width": [10, 100], "train_size": [50, 3200]}, attrs={"long_name": "accuracy"})
    >>> ax = phase_diagram(accuracy, x="train_size", y="width", contour=0.5, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.get_xticklabels()], ax.get_legend().get_texts()[0].get_text()
    (['50', '3200'], 'accuracy = 0.5')
    """
    levels, over = _levels(contour), _of_seeds(over, x, y)
    _check(values, x, y, over, limits)
    if center is not None and not np.isfinite(center):
        raise ValueError(f"center = {center!r} must be a finite number.")
    require_choice(average, (None, "mean", "median"), "average")
    cells, name = cells_of(_sorted(values, x, y), over, average), name or label_of(values)
    middle = cells.middle.transpose(y, x)
    ax = axes_or_new(ax, *_SIZE)
    mesh = _draw_cells(
        ax, middle.values, _norm(middle.values, center, limits), "viridis" if center is None else "RdBu_r"
    )
    _label_axes(ax, middle[x], middle[y])
    handles = _mark(ax, cells, middle, levels, name)
    if handles:
        _add_legend(ax, handles)
    if key and np.isfinite(middle.values).any():
        bar = ax.figure.colorbar(mesh, ax=ax)
        bar.set_label(wrapped(f"{name},\n{cells.text}" if cells.text else name, 0.65 * size_of(ax)[1]))
        bar.ax.minorticks_off()
    return ax


@style()
def category_map(
    kinds: xr.DataArray, x: str, y: str, names: Sequence[str], over: str = "seed", ax: Axes | None = None
) -> Axes:
    """Draw which of a few kinds every run is of, over two swept axes: a cell has a strip for each seed.

    Parameters
    ----------
    kinds
        Whole numbers that count the ``names`` from 0, dimensions ``(over, x, y)`` in any order; ``over`` may be missing.
    x, y
        Dimensions of the axes, as in `phase_diagram`.
    names
        Names of the kinds, at most seven. Several panels can share a legend, so none is drawn:
        ``figure.legend(*ax.get_legend_handles_labels())``.
    over, ax
        Dimension of the seeds, and where to draw, as in `phase_diagram`.

    Raises
    ------
    ValueError
        If ``kinds`` is not a DataArray, lacks ``x`` or ``y``, has further dimensions, or holds anything but counts of names.

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> phase = xr.DataArray([[0, 1], [1, 1]], {"rate": [0.1, 1.0], "seed": [0, 1]}).expand_dims(decay=[0.0])
    >>> ax = category_map(phase, "rate", "decay", ["fits", "fails"], ax=Figure(layout="constrained").subplots())
    >>> ax.get_legend_handles_labels()[1]
    ['fits', 'fails']
    """
    from matplotlib.colors import ListedColormap

    over = _of_seeds(over, x, y)
    _check(kinds, x, y, over, None)
    if not 0 < len(names) <= len(CATEGORY_COLORS) or not np.isin(kinds.values, np.arange(len(names))).all():
        raise ValueError(
            f"kinds must count up to {len(CATEGORY_COLORS)} names from 0, and here {len(names)} are given."
        )
    runs = _sorted(kinds if over in kinds.dims else kinds.expand_dims(over), x, y).transpose(y, x, over)
    strips, colors = runs.values.reshape(runs.sizes[y], -1), CATEGORY_COLORS[: len(names)]
    across = np.linspace(-0.5, runs.sizes[x] - 0.5, strips.shape[1] + 1), np.arange(runs.sizes[y] + 1) - 0.5
    ax = axes_or_new(ax, *_SIZE)
    ax.pcolormesh(*across, strips, cmap=ListedColormap(colors), vmin=-0.5, vmax=len(names) - 0.5, edgecolors="face")
    for lines, count, end in ((ax.vlines, runs.sizes[x], runs.sizes[y]), (ax.hlines, runs.sizes[y], runs.sizes[x])):
        lines(np.arange(1, count) - 0.5, -0.5, end - 0.5, colors="white", linewidth=1.2)
    for color, name in zip(colors, names, strict=True):
        ax.fill_between([], [], color=color, label=name)
    _label_axes(ax, runs[x], runs[y])
    return ax


def _mark(ax: Axes, cells: Cells, middle: xr.DataArray, levels: list[float], name: str) -> list[Any]:
    """Mark what the colour of a cell does not say, and return the entries of the legend."""
    never, known = (part.transpose(*middle.dims).values for part in (cells.never, cells.known))
    handles = mark_empty(ax, known == 0) + mark_never(ax, never, cells.times)
    handles += draw_borders(ax, np.where(never >= 0.5, np.inf, middle.values), levels, name)
    return handles + mark_counts(ax, known, cells.runs)


def _of_seeds(over: str, x: str, y: str) -> str:
    """Dimension that a cell is averaged over; a name that no dimension has where the seeds are an axis of the map."""
    return "" if over in (x, y) else over


def _check(values: xr.DataArray, x: str, y: str, over: str, limits: tuple[float, float] | None) -> None:
    require_array(values, "values")
    require_dim(values, x, "x")
    require_dim(values, y, "y")
    if x == y:
        raise ValueError(f"x and y are both {x!r}; a map needs two dimensions. Use plots.curve for one.")
    require_only_dims(values, (over, x, y))
    if limits is not None and not (len(limits) == 2 and np.isfinite(limits).all() and limits[0] < limits[1]):
        raise ValueError(f"limits = {limits!r} must be two finite numbers, the lower first, for example (0.0, 1.0).")


def _levels(contour: float | Sequence[float] | None) -> list[float]:
    levels = [] if contour is None else [float(level) for level in np.atleast_1d(contour)]
    if len(levels) > len(LINE_STYLES) or not np.isfinite(levels).all():
        raise ValueError(
            f"contour = {contour!r} must be a finite number, or up to {len(LINE_STYLES)} of them, for example 0.5."
        )
    return levels


def _sorted(values: xr.DataArray, x: str, y: str) -> xr.DataArray:
    for dim in (x, y):
        values = values.sortby(dim) if is_numeric(values[dim]) else values
    return values


def _norm(means: np.ndarray, center: float | None, limits: tuple[float, float] | None) -> Normalize:
    from matplotlib.colors import CenteredNorm, LogNorm, Normalize

    known = means[np.isfinite(means)]
    low, high = limits or ((known.min(), known.max()) if known.size else (0.0, 1.0))
    if center is not None:
        # Without any deviation every cell has the middle colour, whatever the range.
        return CenteredNorm(center, max(abs(low - center), abs(high - center)) or 1.0)
    decades = known.size and known.min() > 0.0 and low > 0.0 and high > 100.0 * low
    return LogNorm(low, high) if decades else Normalize(low, high)


def _draw_cells(ax: Axes, means: np.ndarray, norm: Normalize, colors: str) -> QuadMesh:
    rows, columns = means.shape
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    # Edges in the colour of their cell: without them PDF and SVG viewers show hairlines between cells.
    return ax.pcolormesh(*edges, np.ma.masked_invalid(means), norm=norm, cmap=colors, edgecolors="face", linewidth=0.3)


def _add_legend(ax: Axes, handles: list[Any]) -> None:
    # The legend stands above the map; inside it would hide cells.
    letters = sum(len(handle.get_label()) for handle in handles)
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2 if letters * _LETTER < 0.6 * 72.0 * ax.bbox.width / ax.figure.dpi else 1,
        borderaxespad=0.2,
    )
    fit_legend(ax, share=0.8)


def _label_axes(ax: Axes, x: xr.DataArray, y: xr.DataArray) -> None:
    # A colour bar and the labels themselves will take about a fifth of the room.
    width, height = (0.8 * 72.0 * pixels / ax.figure.dpi for pixels in ax.bbox.size)
    sides: tuple[tuple[Literal["x", "y"], xr.DataArray, float], ...] = (("x", x, width), ("y", y, height))
    for which, coordinate, room in sides:
        category_ticks(ax, which, *ticks_of(coordinate, max(2, int(room // _LINE))))
    set_labels(ax, label_of(x), label_of(y), share=0.65)
