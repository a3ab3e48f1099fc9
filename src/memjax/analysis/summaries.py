"""One number per run from a recorded series: its first, last and largest value, and its gap.

A diverged run is recorded as NaN from the step where it diverged, so it has no last value, no gap and no maximum:
all three are NaN, and the other runs are untouched.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis._lift import lift
from memjax.analysis._validate import require_array, require_dim

__all__ = ["first", "gap", "last", "maximum"]

FloatArray = npt.NDArray[np.float64]


def first(series: xr.DataArray, dim: str = "step") -> xr.DataArray:
    """Return the first record of each run, usually the initial state.

    Parameters
    ----------
    series : xarray.DataArray
        Recorded values, dimensions ``(..., dim)``.
    dim : str
        Dimension of the records, in recorded order.

    Returns
    -------
    xarray.DataArray
        float64, dimensions ``(...)``, ``units`` kept; ``long_name`` says what was done.

    Raises
    ------
    ValueError
        If ``series`` is not a DataArray, or ``dim`` is not one of its dimensions or is empty.

    Examples
    --------
    >>> import xarray as xr
    >>> norm = xr.DataArray([[2.0, 3.0, 7.0]], dims=("seed", "step"))
    >>> first(norm).values
    array([2.])
    """
    return _summarise(series, dim, "first", lambda y: y[..., 0])


def last(series: xr.DataArray, dim: str = "step") -> xr.DataArray:
    """Return the last record of each run, usually the final state; NaN for a run that diverged.

    A finished run with fewer steps than others of its sweep ends at its own last step.

    Parameters
    ----------
    series : xarray.DataArray
        Recorded values, dimensions ``(..., dim)``.
    dim : str
        Dimension of the records, in recorded order.

    Returns
    -------
    xarray.DataArray
        float64, dimensions ``(...)``, ``units`` kept; ``long_name`` says what was done.

    Raises
    ------
    ValueError
        If ``series`` is not a DataArray, or ``dim`` is not one of its dimensions or is empty.

    Examples
    --------
    >>> import xarray as xr
    >>> norm = xr.DataArray([[2.0, 3.0, 7.0]], dims=("seed", "step"))
    >>> last(norm).values
    array([7.])
    """
    return _summarise(series, dim, "last", lambda y: y[..., -1])


def gap(series: xr.DataArray, dim: str = "step") -> xr.DataArray:
    """Return last minus first of each run; NaN if either is NaN.

    Parameters
    ----------
    series : xarray.DataArray
        Recorded values, dimensions ``(..., dim)``.
    dim : str
        Dimension of the records, in recorded order.

    Returns
    -------
    xarray.DataArray
        float64, dimensions ``(...)``, ``units`` kept; ``long_name`` says what was done.

    Raises
    ------
    ValueError
        If ``series`` is not a DataArray, or ``dim`` is not one of its dimensions or is empty.

    Notes
    -----
    For the L2 norm of all parameters this is the gap of Liu (2026), "How does memorization affect l2?".

    Examples
    --------
    >>> import xarray as xr
    >>> norm = xr.DataArray([[2.0, 3.0, 7.0], [2.0, 3.0, float("nan")]], dims=("seed", "step"),
    ...                     attrs={"long_name": "L2 norm"})
    >>> gap(norm).values
    array([ 5., nan])
    >>> gap(norm).long_name
    'gap of L2 norm'
    """
    return _summarise(series, dim, "gap", lambda y: y[..., -1] - y[..., 0])


def maximum(series: xr.DataArray, dim: str = "step") -> xr.DataArray:
    """Return the largest record of each run; NaN if any record is NaN.

    Parameters
    ----------
    series : xarray.DataArray
        Recorded values, dimensions ``(..., dim)``.
    dim : str
        Dimension of the records.

    Returns
    -------
    xarray.DataArray
        float64, dimensions ``(...)``, ``units`` kept; ``long_name`` says what was done.

    Raises
    ------
    ValueError
        If ``series`` is not a DataArray, or ``dim`` is not one of its dimensions or is empty.

    Examples
    --------
    >>> import xarray as xr
    >>> norm = xr.DataArray([[2.0, 9.0, 7.0]], dims=("seed", "step"))
    >>> maximum(norm).values
    array([9.])
    """
    return _summarise(series, dim, "maximum", lambda y: y.max(axis=-1))


def _held(series: xr.DataArray, dim: str) -> xr.DataArray:
    """Hold the final record of a finished run over the records that only longer runs of the sweep have."""
    if not {"status", "stop_step", dim} <= set(series.coords) or dim != "step":
        return series
    finished = series["status"] == "finished"
    over = (series[dim] > series["stop_step"]) & finished
    if not over.any():
        return series
    end = series["stop_step"].clip(max=series[dim].max()).where(finished, series[dim].max())
    return series.where(~over, series.sel({dim: end.astype(series[dim].dtype)}, method="pad"))


def _summarise(series: xr.DataArray, dim: str, name: str, function: Callable[[FloatArray], FloatArray]) -> xr.DataArray:
    require_array(series, "series")
    require_dim(series, dim, "dim")
    summary = lift(lambda y: (function(y),), _held(series, dim), [dim], {name: ()})[name]
    label = series.attrs.get("long_name", series.name)
    summary.attrs = {"long_name": f"{name} of {label}" if label else name}
    if "units" in series.attrs:
        summary.attrs["units"] = series.attrs["units"]
    return summary.rename(f"{series.name}_{name}" if series.name else name)
