"""Checks of arguments that the estimators share; each error gives the value, what is allowed, and what to do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = [
    "positions",
    "require_array",
    "require_choice",
    "require_dim",
    "require_fraction",
    "require_not_empty",
    "require_only_dims",
    "require_resamples",
    "with_dim",
]


def require_array(values: Any, argument: str) -> None:
    """Raise ``ValueError`` unless ``values`` is one labelled array."""
    if isinstance(values, xr.Dataset):
        raise ValueError(
            f"{argument} is a Dataset with variables {sorted(map(str, values.data_vars))}; one DataArray is expected. "
            f"Pick a variable, for example ds.weight_l2."
        )
    if not isinstance(values, xr.DataArray):
        raise ValueError(
            f"{argument} is a {type(values).__name__}; an xarray.DataArray is expected. Wrap plain numbers as "
            f"xarray.DataArray(numbers, dims=..., coords=...)."
        )


def require_dim(values: xr.DataArray, dim: str, argument: str) -> None:
    """Raise ``ValueError`` unless ``dim`` is a non-empty dimension of ``values``."""
    if dim not in values.dims:
        raise ValueError(f"{argument} = {dim!r} is not a dimension of the array; choose one of {_names(values)}.")
    if values.sizes[dim] == 0:
        raise ValueError(f"{argument} = {dim!r} has length 0; at least one entry is needed. Check the selection.")


def require_only_dims(values: xr.DataArray, allowed: tuple[str, ...]) -> None:
    """Raise ``ValueError`` if ``values`` has a dimension outside ``allowed``."""
    extra = [str(dim) for dim in values.dims if dim not in allowed]
    if extra:
        raise ValueError(
            f"The array has dimensions {_names(values)}, but only {list(allowed)} are allowed here. Choose one entry "
            f"of {extra} first, for example with .isel({extra[0]}=0)."
        )


def require_fraction(value: float, argument: str) -> None:
    """Raise ``ValueError`` unless ``0 < value < 1``."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{argument} = {value!r} must lie strictly between 0 and 1, for example 0.95.")


def require_not_empty(values: xr.DataArray, over: str, dim: str) -> None:
    """Raise ``ValueError`` if an array is empty, or if seeds and positions are along the same dimension."""
    if over == dim:
        raise ValueError(f"over and dim are both {dim!r}; the seeds and the positions must be two dimensions.")
    if values.size == 0:
        empty = [str(name) for name, size in values.sizes.items() if size == 0]
        raise ValueError(f"The array has no entries along {empty}; check the selection.")


def require_resamples(resamples: int, level: float) -> None:
    """Raise ``ValueError`` unless ``resamples`` suffice for the ends of an interval of this level."""
    least = max(100, math.ceil(2.0 / (1.0 - level) - 1e-9))
    if resamples < least:
        raise ValueError(
            f"resamples = {resamples} is too few for an interval of level {level:g}; use at least {least} (default 1000)."
        )


def require_choice(value: Any, allowed: tuple[Any, ...], argument: str) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{argument} = {value!r} is not known; choose one of {list(allowed)}.")


def positions(values: xr.DataArray, dim: str) -> npt.NDArray[np.float64]:
    """Return the coordinate of ``dim`` as finite float64 numbers ``[n]``, or raise ``ValueError``."""
    require_dim(values, dim, "dim")
    if dim not in values.coords or values[dim].dtype.kind not in "iuf":
        raise ValueError(
            f"dim = {dim!r} has no numeric coordinate; its values are needed as positions. "
            f"Add them with .assign_coords({dim}=[...])."
        )
    numbers = np.asarray(values[dim].values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"dim = {dim!r} has coordinate values {numbers.tolist()}; all of them must be finite.")
    return numbers


def with_dim(values: xr.DataArray, dim: str) -> xr.DataArray:
    """Return ``values`` with the dimension ``dim``, of length 1 if it is added."""
    return values if dim in values.dims else values.expand_dims(dim)


def _names(values: xr.DataArray) -> list[str]:
    return [str(dim) for dim in values.dims]
