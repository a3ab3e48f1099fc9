"""The mean over seeds with its interval, as a line with a band or bars: the element of most figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from memjax.analysis import mean_interval
from memjax.checks.labelled import (
    positions,
    require_array,
    require_choice,
    require_dim,
    require_fraction,
    require_only_dims,
)
from memjax.plots.axes import axes_or_new
from memjax.plots.ranges import range_of
from memjax.plots.styles import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["FEW", "counts_text", "draw_mean", "draw_seeds", "mean", "mean_text"]

# With fewer runs than this an interval says little, and the runs themselves are clear.
FEW = 4

Seeds = Literal["band", "bars", "points", "none"]


@style()
def mean(
    values: xr.DataArray,
    x: str = "train_size",
    over: str = "seed",
    ax: Axes | None = None,
    level: float = 0.95,
    *,
    of: Literal["mean", "geometric"] = "mean",
    seeds: Seeds = "band",
    **line: Any,
) -> Axes:
    """Draw one line, the mean over seeds with its interval, on axes that keep their labels and scales.

    Parameters
    ----------
    values
        Values, dimensions ``(over, x)`` in any order, or ``(x,)``. NaN (diverged runs) are left out of the mean. At a position
        with an infinite run (one that never got there) an open triangle takes the place of the mean.
    x
        Dimension on the horizontal axis, with a numeric coordinate.
    over
        Dimension of the seeds.
    ax
        Where to draw; a new figure by default.
    level
        Nominal coverage of the Student-t interval, between 0 and 1. The interval of a recorded share, such as an accuracy, ends
        at 0 and at 1: the mean cannot lie beyond, so the interval holds the mean as often as without these ends. Selections of
        recorded values keep these ends. The result of arithmetic, or of a mean over a dimension, has the whole interval, unless
        its attribute ``valid_range`` says otherwise.
    of
        ``geometric`` draws the geometric mean of positive values, and the interval of their logarithms.
    seeds
        The interval as a ``band`` or as ``bars``, every seed as faint ``points``, or ``none``. Of fewer than four seeds no
        interval is drawn: every run is a thin line in place of the band, or points in place of the bars.
    line
        What `matplotlib.axes.Axes.plot` takes: color, label, marker and others.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray or has further dimensions, ``x`` has no numeric coordinate, ``level`` is not in
        (0, 1), or ``of`` or ``seeds`` is another word.

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> loss = xr.DataArray([[1.0, 0.01], [100.0, 1.0]], {"step": [0, 10]}, ("seed", "step"))
    >>> ax = mean(loss, x="step", ax=Figure().subplots(), of="geometric", label="loss")
    >>> ax.lines[0].get_ydata().round(6).tolist()
    [10.0, 0.1]
    """
    require_array(values, "values")
    require_dim(values, x, "x")
    require_only_dims(values, (over, x))
    require_fraction(level, "level")
    positions(values, x)
    require_choice(of, ("mean", "geometric"), "of")
    require_choice(seeds, ("band", "bars", "points", "none"), "seeds")
    ax = axes_or_new(ax)
    draw_mean(ax, values.sortby(x), x, over, level, of=of, seeds=seeds, **line)
    return ax


def draw_mean(
    ax: Axes,
    values: xr.DataArray,
    x: str,
    over: str,
    level: float,
    *,
    of: Literal["mean", "geometric"] = "mean",
    seeds: Seeds = "band",
    **line: Any,
) -> xr.DataArray:
    """Draw the mean of ``values (over, x)`` over ``over`` against ``x`` with its Student-t interval, and return the mean.

    Without ``over``, or with one seed, only the line is drawn, and with two or three seeds the runs in place of the interval.
    At a position with an infinite run (the time of a value that the run never reached) an open triangle takes the place of
    the mean. The interval keeps to the range of the quantity. ``line`` goes to `matplotlib.axes.Axes.plot`.
    """
    if over not in values.dims:
        ax.plot(values[x].values, values.values, **line)
        return values
    endless = (abs(values) == np.inf).any(over)
    middle, interval = (part.where(~endless) for part in _summary(values, over, level, of == "geometric"))
    drawn = ax.plot(middle[x].values, middle.values, **line)[0]
    few = 1 < values.sizes[over] < FEW
    if few and seeds == "band":
        _draw_runs(ax, values.transpose(x, over), x, drawn)
    elif not few:
        interval = interval.transpose("bound", x).clip(*range_of(values))
        _draw_interval(ax, middle[x].values, middle.values, interval.values, drawn.get_color(), seeds)
    if seeds == "points" or (few and seeds == "bars"):
        draw_seeds(ax, values.transpose(x, over), x, drawn)
    if bool(endless.any()):
        # The triangle stands at the upper edge and shows that a position without a mean was not forgotten.
        at, color = values[x].values[endless.values], drawn.get_color()
        edge = ax.get_xaxis_transform()
        ax.plot(at, np.full(at.shape, 0.98), "^", color=color, markerfacecolor="none", transform=edge)
    return middle


def _summary(values: xr.DataArray, over: str, level: float, geometric: bool) -> tuple[xr.DataArray, xr.DataArray]:
    if not geometric:
        found = mean_interval(values, over, level)
        return found["mean"], found["mean_interval"]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = values.copy(data=np.log(values.values.astype(np.float64)))
    found = mean_interval(logs, over, level)
    middle, interval = (found[name].copy(data=np.exp(found[name].values)) for name in ("mean", "mean_interval"))
    return middle, interval


def _draw_interval(ax: Axes, at: np.ndarray, middle: np.ndarray, ends: np.ndarray, color: Any, seeds: Seeds) -> None:
    if seeds not in ("band", "bars") or np.isnan(ends).all():
        return
    low, high = ends
    if seeds == "band":
        ax.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0.0)
        return
    lengths = np.nan_to_num(np.stack([middle - low, high - middle])).clip(min=0.0)
    ax.errorbar(at, middle, lengths, fmt="none", ecolor=color, elinewidth=0.9)


def _draw_runs(ax: Axes, values: xr.DataArray, x: str, mean: Line2D) -> None:
    """Draw every run of ``values (x, over)`` as a thin line in the colour and dashes of the mean."""
    from matplotlib.collections import LineCollection

    finite = np.where(np.isfinite(values.values), values.values, np.nan)
    lines = [np.column_stack([values[x].values, run]) for run in finite.T]
    dashes: Any = "-" if mean.get_linestyle() == "None" else mean.get_linestyle()
    ax.add_collection(LineCollection(lines, linewidths=0.6, alpha=0.6, colors=mean.get_color(), linestyles=dashes))
    ax.autoscale_view()


def draw_seeds(ax: Axes, values: xr.DataArray, x: str, mean: Line2D) -> None:
    """Draw every seed of ``values (x, over)`` as a faint point in the colour of the mean."""
    at = np.broadcast_to(values[x].values[:, None], values.shape)
    look: dict[str, Any] = {"color": mean.get_color(), "alpha": 0.5, "markersize": 5.0, "markeredgewidth": 0.0}
    ax.plot(at.ravel(), values.values.ravel(), ".", **look)


def mean_text(values: xr.DataArray, over: str, level: float) -> str:
    """Words for line and band, or runs: the number of finite runs, and whether a mean is missing because a run is infinite."""
    if values.sizes.get(over, 1) == 1:
        return f"one {over}"
    infinite = abs(values) == np.inf
    counts = (values.notnull() & ~infinite).sum(over).values[~infinite.any(over).values]
    what = counts_text(counts, values.sizes[over], over, level, "thin")
    return what + (", triangles: an infinite run" if bool(infinite.any()) else "")


def counts_text(counts: np.ndarray, runs: int, over: str, level: float, few: str) -> str:
    """Words for means of ``counts`` finite runs each, without those of none; ``few`` says how two or three runs are drawn."""
    counts = counts[counts > 0]
    least, most = (counts.min(), counts.max()) if counts.size else (runs, runs)
    seeds = f"{most}" if least == most else f"{least} to {most}"
    return (
        f"{seeds} runs ({few}) and their mean"
        if runs < FEW
        else f"mean of {seeds} {over}s, {100.0 * level:g}% interval"
    )
