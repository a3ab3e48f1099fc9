"""The mean over seeds with its interval, as a line with a band: the element most figures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from memjax.analysis import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_mean"]


def draw_mean(ax: Axes, values: xr.DataArray, x: str, over: str, level: float, **line: Any) -> xr.DataArray:
    """Draw the mean of ``values (over, x)`` over ``over`` against ``x`` with its Student-t band, and return the mean.

    Without ``over``, or with one seed, only the line is drawn. ``line`` goes to `matplotlib.axes.Axes.plot`.
    """
    if over not in values.dims:
        ax.plot(values[x].values, values.values, **line)
        return values
    summary = mean_interval(values, over, level)
    drawn = ax.plot(summary[x].values, summary["mean"].values, **line)[0]
    interval = summary.mean_interval.transpose("bound", x)
    if bool(interval.notnull().any()):
        ax.fill_between(summary[x].values, *interval.values, color=drawn.get_color(), alpha=0.2, linewidth=0.0)
    return summary["mean"]
