"""Series of runs of different lengths: an array function sees a run's own records only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.lift import without
from memjax.checks.labelled import require_array, require_dim

__all__ = ["Outside", "of_records"]

FloatArray = npt.NDArray[np.float64]


class Outside(ValueError):
    """No run has a record in the range that a function asks for."""


def of_records(
    function: Callable[[FloatArray, FloatArray], tuple[np.ndarray, ...]], series: xr.DataArray, dim: str
) -> tuple[xr.DataArray, ...]:
    """Apply a function of records to every run, each cut at its own last step.

    A finished run with fewer steps than other runs of its sweep is NaN beyond its last step; these NaN are cut off. A diverged
    run is NaN from the step where it diverged; these NaN are kept.

    Parameters
    ----------
    function
        From values ``[M, K]`` and positions ``[K]`` to arrays ``[M, ...]``.
    series
        Recorded values, dimensions ``(..., dim)`` in any order.
    dim
        Dimension of the records. The positions are its coordinate, or 0, 1, ... without a coordinate.

    Returns
    -------
    tuple of xarray.DataArray
        One per result, dimensions ``(...)`` (and ``extra`` for a further axis), coordinates kept, attributes empty.

    Raises
    ------
    ValueError
        If ``series`` is not a DataArray, or ``dim`` is not one of its dimensions or is empty.
    """
    require_array(series, "series")
    require_dim(series, dim, "dim")
    if series.size == 0:
        empty = [str(name) for name, size in series.sizes.items() if size == 0]
        raise ValueError(f"The series has no entries along {empty}; check the selection.")
    ordered = series.transpose(..., dim).astype(np.float64)
    lead = without(ordered, dim)
    at, lengths = _positions(series, dim), _lengths(ordered, dim).ravel()
    values = ordered.values.reshape(-1, at.size)
    columns: list[np.ndarray] = []
    for length in np.unique(lengths)[::-1]:
        rows = np.flatnonzero(lengths == length)
        for i, part in enumerate(_of_group(function, values[rows, :length], at[:length], columns)):
            if i == len(columns):
                columns.append(
                    np.empty((len(values), *part.shape[1:]), object if part.dtype.kind == "U" else part.dtype)
                )
            columns[i][rows] = part
    return tuple(_like(lead, column) for column in columns)


def _of_group(
    function: Callable[[FloatArray, FloatArray], tuple[np.ndarray, ...]],
    values: FloatArray,
    at: FloatArray,
    before: list[np.ndarray],
) -> tuple[np.ndarray, ...]:
    """Results of runs of one length; NaN where the longest runs have records and these runs have none."""
    try:
        # An infinite record gives infinities and NaN, so a warning adds nothing.
        with np.errstate(invalid="ignore", over="ignore"):
            return function(values, at)
    except Outside:
        if not before:
            raise
        return tuple(np.full((len(values), *column.shape[1:]), np.nan) for column in before)


def _like(lead: xr.DataArray, column: np.ndarray) -> xr.DataArray:
    column = column.astype(str) if column.dtype == object else column
    dims = (*lead.dims, *("extra",) * (column.ndim - 1))
    return xr.DataArray(column.reshape((*lead.shape, *column.shape[1:])), dims=dims, coords=lead.coords)


def _positions(series: xr.DataArray, dim: str) -> FloatArray:
    numeric = dim in series.coords and series[dim].dtype.kind in "iuf"
    return np.asarray(series[dim].values if numeric else np.arange(series.sizes[dim]), dtype=np.float64)


def _lengths(ordered: xr.DataArray, dim: str) -> np.ndarray:
    """Number of own records of every run, ``int[...]``."""
    full = np.full(ordered.shape[:-1], ordered.sizes[dim])
    if dim != "step" or not {"status", "stop_step", dim} <= set(ordered.coords):
        return full
    own = (ordered[dim] <= ordered["stop_step"]).sum(dim)
    kept = xr.where(ordered["status"] == "finished", np.maximum(own, 1), ordered.sizes[dim])
    lead = ordered.isel({dim: 0}, drop=True)
    return np.asarray(kept.broadcast_like(lead).transpose(*lead.dims).values)
