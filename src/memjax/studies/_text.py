"""Numbers with their intervals, as the tables of several studies show them."""

from __future__ import annotations

import xarray as xr

from memjax import analysis

__all__ = ["mean_shown"]


def mean_shown(values: xr.DataArray) -> str:
    """Mean over seeds with its Student-t interval, of values ``(seed,)``.

    Examples
    --------
    >>> mean_shown(xr.DataArray([1.0, 2.0, 3.0], dims="seed"))
    '2.0 [-0.5, 4.5]'
    """
    summary = analysis.mean_interval(values)
    return analysis.format_interval(float(summary["mean"]), summary["mean_interval"].values)
