"""Bars of categories: the mean over seeds with its interval, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax.analysis import mean_interval
from memjax.checks.labelled import require_array, require_dim, require_fraction, require_only_dims
from memjax.plots.axes import axes_or_new, fit_legend, label_of, set_labels, size_of, text_of
from memjax.plots.category_names import category_ticks
from memjax.plots.infinite_bars import keep_places, mark_infinite
from memjax.plots.lines import colors_of
from memjax.plots.means import FEW, counts_text
from memjax.plots.ranges import range_of
from memjax.plots.styles import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bars"]


@style()
def bars(
    values: xr.DataArray,
    x: str,
    by: str | None = None,
    over: str = "seed",
    ax: Axes | None = None,
    level: float = 0.95,
    *,
    horizontal: bool = False,
    name: str | None = None,
) -> Axes:
    """Draw a bar for every category: the mean over seeds, with its interval.

    Parameters
    ----------
    values
        Values, dimensions ``(over, x, by)`` in any order; ``over`` may be missing. NaN and infinite runs are left out of the
        means, and the legend counts the runs that remain. The words above a bar say how many runs are infinite: "never in
        2 of 5" of times, and "infinite in 2 of 5" of other numbers. Where every run is infinite, these words stand in place of
        the bar.
    x
        Dimension of the categories, in its order, whatever their labels are.
    by
        Dimension of the bars that stand side by side at each category, each in a colour of its own.
    over
        Dimension of the seeds.
    ax
        Where to draw; a new figure by default.
    level
        Nominal coverage of the Student-t intervals, between 0 and 1, as in `mean`. Of fewer than four seeds every run is a
        point in place of the interval.
    horizontal
        Whether the bars lie, which leaves room for long names of categories.
    name
        Text of the axis of the values, as in `curve`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray, lacks ``x`` or ``by``, or has further dimensions, if ``level`` is not in (0, 1), or if
        ``by`` has more categories than there are colours to tell apart.

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> accuracy = xr.DataArray([[0.5, 0.9], [0.7, 0.9]], {"seed": [0, 1], "activation": ["relu", "sine"]},
    ...                         ("seed", "activation"), attrs={"long_name": "test accuracy"})
    >>> ax = bars(accuracy, "activation", ax=Figure().subplots())
    >>> [f"{bar.get_height():.1f}" for bar in ax.patches], [text.get_text() for text in ax.get_xticklabels()]
    (['0.6', '0.9'], ['relu', 'sine'])
    """
    require_array(values, "values")
    for dim, argument in ((x, "x"), *([(by, "by")] if by else [])):
        require_dim(values, dim, argument)
    require_only_dims(values, (over, x, *([by] if by else [])))
    require_fraction(level, "level")
    ax = axes_or_new(ax)
    groups = [values.isel({by: place}) for place in range(values.sizes[by])] if by else [values]
    width = 0.8 / len(groups)
    for place, (one, color) in enumerate(zip(groups, colors_of(values, by) if by else [None], strict=True)):
        at = np.arange(values.sizes[x]) + width * (place - (len(groups) - 1) / 2)
        label = text_of(one[by].values) if by else None
        _draw_group(ax, one, at, over, level, {"width": width, "color": color, "label": label}, horizontal)
    keep_places(ax, values, values.sizes[x], horizontal)
    _label(ax, values, x, name or label_of(values), horizontal)
    _add_legend(ax, values, by, over, level)
    return ax


def _draw_group(
    ax: Axes, values: xr.DataArray, at: np.ndarray, over: str, level: float, look: dict[str, Any], horizontal: bool
) -> None:
    """Draw the bars of one colour, with the interval of each, or the runs."""
    runs = values if over in values.dims else values.expand_dims(over)
    runs = runs.transpose(over, ...)
    summary = mean_interval(runs, over, level)
    middle, ends = summary["mean"].values, summary["mean_interval"].transpose("bound", ...).clip(*range_of(runs)).values
    width = look.pop("width")
    if horizontal:
        ax.barh(at, middle, height=width, **look)
    else:
        ax.bar(at, middle, width=width, **look)
    if 1 < runs.sizes[over] < FEW:
        places = np.broadcast_to(at, runs.shape).ravel(), runs.values.ravel()
        ax.plot(*(places[::-1] if horizontal else places), ".", color="0.2", markersize=4.0, markeredgewidth=0.0)
    elif runs.sizes[over] > 1:
        lengths = np.stack([middle - ends[0], ends[1] - middle]).clip(min=0.0)
        sides: dict[str, Any] = {"xerr" if horizontal else "yerr": lengths}
        places = (middle, at) if horizontal else (at, middle)
        ax.errorbar(*places, **sides, fmt="none", ecolor="0.2", elinewidth=0.9, capsize=2.0)
    highest = np.stack([middle, *(ends if runs.sizes[over] >= FEW else runs.where(np.isfinite(runs)).values)])
    mark_infinite(ax, runs, at, np.nan_to_num(highest).max(0, initial=0.0), width, horizontal)


def _label(ax: Axes, values: xr.DataArray, x: str, name: str, horizontal: bool) -> None:
    texts = [text_of(value) for value in values[x].values]
    category_ticks(ax, "y" if horizontal else "x", list(range(len(texts))), texts)
    set_labels(ax, *((name, label_of(values[x])) if horizontal else (label_of(values[x]), name)))
    if horizontal:
        ax.invert_yaxis()


def _add_legend(ax: Axes, values: xr.DataArray, by: str | None, over: str, level: float) -> None:
    said = _said(values, over, level) if over in values.dims else ""
    title = "\n".join(line for line in (label_of(values[by]) if by else "", said) if line)
    if not title:
        return
    handles, texts = ax.get_legend_handles_labels()
    # A coloured square and the space beside it take 40 points.
    beside = max(1, min(4, int(size_of(ax)[0] / (4.4 * max(map(len, texts), default=1) + 40.0))))
    rows = max(-(-len(handles) // beside), 1)
    # The key stands above the bars, because bars leave no room inside.
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "alignment": "left"}
    look: dict[str, Any] = {"ncols": max(-(-len(handles) // rows), 1), "title_fontsize": "small", "borderaxespad": 0.2}
    ax.legend(handles=handles, title=title, **place, **look)
    fit_legend(ax, share=1.0)


def _said(values: xr.DataArray, over: str, level: float) -> str:
    """Words for the bars: how many finite runs each is the mean of."""
    runs, finite = values.sizes[over], (abs(values) < np.inf).sum(over).values
    if runs == 1:
        return f"one {over}"
    return counts_text(finite, runs, over, level, "points") if finite.any() else f"no finite run of {runs} {over}s"
