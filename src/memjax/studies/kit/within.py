"""Times between two records: where a curve crosses a level is known only to lie between the records on either side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["Within", "at_own_time", "beside_records", "geometric_mean", "ratio", "within_records"]


class Within(NamedTuple):
    """Values ``(seed,)``, and the least and the most that the records around each of them leave possible.

    Examples
    --------
    >>> import xarray as xr
    >>> times = within_records(xr.DataArray([57.0, 90.0], dims="seed"), [0.0, 40.0, 80.0, 120.0])
    >>> [part.values.tolist() for part in times]
    [[57.0, 90.0], [40.0, 80.0], [80.0, 120.0]]
    """

    found: xr.DataArray
    least: xr.DataArray
    most: xr.DataArray


def within_records(times: xr.DataArray, records: npt.ArrayLike) -> Within:
    """Times that were interpolated between records, with the records before and after each of them.

    Parameters
    ----------
    times
        Steps of any dimensions; infinity for never and NaN for not known stay what they are.
    records
        Steps at which the curve is known, in order, ``[records]``.

    Returns
    -------
    Within
        The record before a time (the time itself at the first record), and the record at it or after it.

    Examples
    --------
    >>> least, most = within_records(xr.DataArray([57.0, 0.0, np.inf], dims="seed"), [0.0, 40.0, 80.0])[1:]
    >>> least.values.tolist(), most.values.tolist()
    ([40.0, 0.0, inf], [80.0, 0.0, inf])
    """
    steps = np.asarray(records, np.float64)
    known = np.isfinite(times.values)
    right = np.searchsorted(steps, np.where(known, times.values, steps[0])).clip(max=len(steps) - 1)
    least, most = (np.where(known, steps[at], times.values) for at in (np.maximum(right - 1, 0), right))
    return Within(times, times.copy(data=least), times.copy(data=most))


def beside_records(places: xr.DataArray, records: npt.ArrayLike) -> Within:
    """Records at which a curve is highest or lowest, with the records on either side of each.

    A curve may be higher between its highest record and either neighbour, so both bounds are other records.

    Examples
    --------
    >>> least, most = beside_records(xr.DataArray([40.0, 80.0, np.inf], dims="seed"), [0.0, 40.0, 80.0])[1:]
    >>> least.values.tolist(), most.values.tolist()
    ([0.0, 40.0, inf], [80.0, 80.0, inf])
    """
    steps = np.asarray(records, np.float64)
    known = np.isfinite(places.values)
    at = np.searchsorted(steps, np.where(known, places.values, steps[0]))
    sides = ((at + shift).clip(0, len(steps) - 1) for shift in (-1, 1))
    least, most = (np.where(known, steps[side], places.values) for side in sides)
    return Within(places, places.copy(data=least), places.copy(data=most))


def ratio(times: Within, other: Within) -> Within:
    """One time over another, run by run, and the least and the most that this ratio can be.

    Examples
    --------
    >>> late, early = (within_records(xr.DataArray([t], dims="seed"), [0, 10, 20, 30]) for t in (25.0, 15.0))
    >>> [float(part[0]) for part in ratio(late, early)]
    [1.6666666666666667, 1.0, 3.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return Within(times.found / other.found, times.least / other.most, times.most / other.least)


def geometric_mean(values: xr.DataArray, dim: str | Sequence[str], *, skipna: bool = True) -> xr.DataArray:
    """Geometric mean of positive values over dimensions, of those that are known or, without ``skipna``, of all or none.

    Examples
    --------
    >>> geometric_mean(xr.DataArray([[1.0, 100.0], [np.nan, 4.0]], dims=("seed", "size")), "size").values.round(9).tolist()
    [10.0, 4.0]
    """
    # The record before a time may be step 0, whose logarithm leaves the lower end open.
    with np.errstate(divide="ignore"):
        logs = values.copy(data=np.log(values.values.astype(np.float64)))
    mean = logs.mean(dim, skipna=skipna, keep_attrs=True)
    return mean.copy(data=np.exp(mean.values))


def at_own_time(values: xr.DataArray, times: xr.DataArray, dim: str = "step") -> xr.DataArray:
    """Values of curves at a time of each run's own, between records by linear interpolation; NaN for a run without one.

    Parameters
    ----------
    values
        Curves ``(..., dim)`` with a numeric coordinate along ``dim``.
    times
        Times ``(...)``; infinity for never, NaN for not known.
    dim
        Dimension of the records.

    Examples
    --------
    >>> curves = xr.DataArray([[0.0, 1.0], [0.0, 2.0]], {"step": [0, 10]}, ("seed", "step"))
    >>> at_own_time(curves, xr.DataArray([5.0, np.inf], dims="seed")).values.tolist()
    [0.5, nan]
    """
    records = values[dim].values.astype(np.float64)

    def of_run(curve: npt.NDArray[np.float64], time: float) -> float:
        return float(np.interp(time, records, curve)) if np.isfinite(time) else np.nan

    found: xr.DataArray = xr.apply_ufunc(
        of_run, values.astype(np.float64), times, input_core_dims=[[dim], []], vectorize=True, keep_attrs=True
    )
    return found
