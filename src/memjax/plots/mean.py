"""The mean over seeds with its interval, as a line with a band: the element of most figures."""

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

    Without ``over``, or with one seed, only the line is drawn. At a position with an infinite run (the time of a value that the
    run never reached) an open triangle takes the place of the mean. The band keeps to the range of the quantity. ``line`` goes
    to `matplotlib.axes.Axes.plot`.
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
        # The triangle stands at the upper edge and shows that a position without a mean was not forgotten.
        at, color = values[x].values[endless.values], drawn.get_color()
        edge = ax.get_xaxis_transform()
        ax.plot(at, np.full(at.shape, 0.98), "^", color=color, markerfacecolor="none", transform=edge)
    return summary["mean"]


def mean_text(values: xr.DataArray, over: str, level: float) -> str:
    """Words for line and band: the number of finite runs, and whether a mean is missing because a run is infinite."""
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
