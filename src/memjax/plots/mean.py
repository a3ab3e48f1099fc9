"""The mean over seeds with its interval, as a line with a band: the element most figures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax.analysis import mean_interval
from memjax.plots.ranges import range_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_mean", "mean_text"]


def draw_mean(ax: Axes, values: xr.DataArray, x: str, over: str, level: float, **line: Any) -> xr.DataArray:
    """Draw the mean of ``values (over, x)`` over ``over`` against ``x`` with its Student-t band, and return the mean.

    Without ``over``, or with one seed, only the line is drawn. Where a run is infinite, as the time of what it never reached,
    there is no mean but an open triangle. The band ends where the quantity's range does. ``line`` goes to
    `matplotlib.axes.Axes.plot`.
    """
    if over not in values.dims:
        ax.plot(values[x].values, values.values, **line)
        return values
    endless = (abs(values) == np.inf).any(over)
    summary = mean_interval(values, over, level).where(~endless)
    drawn = ax.plot(summary[x].values, summary["mean"].values, **line)[0]
    interval = summary.mean_interval.transpose("bound", x).clip(*range_of(values))
    if bool(interval.notnull().any()):
        ax.fill_between(summary[x].values, *interval.values, color=drawn.get_color(), alpha=0.2, linewidth=0.0)
    if bool(endless.any()):
        # At the upper edge, so that a position without a mean is not simply missing.
        at, color = values[x].values[endless.values], drawn.get_color()
        edge = ax.get_xaxis_transform()
        ax.plot(at, np.full(at.shape, 0.98), "^", color=color, markerfacecolor="none", transform=edge)
    return summary["mean"]


def mean_text(values: xr.DataArray, over: str, level: float) -> str:
    """What line and band are, in words: of how many finite runs, and that there is no mean where a run is infinite."""
    if values.sizes.get(over, 1) == 1:
        return f"one {over}"
    infinite = abs(values) == np.inf
    counts = (values.notnull() & ~infinite).sum(over).values[~infinite.any(over).values]
    counts = counts[counts > 0]
    least, most = (counts.min(), counts.max()) if counts.size else (0, values.sizes[over])
    seeds = f"{most}" if least in (0, most) else f"{least} to {most}"
    return f"mean of {seeds} {over}s, {100.0 * level:g}% interval" + (
        ", triangles: an infinite run" if bool(infinite.any()) else ""
    )
