"""Arrays of the same runs are paired by the labels of the runs, never by their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["paired", "require_shared"]

_SHOWN = 3


def paired(arrays: Mapping[str, xr.DataArray]) -> list[xr.DataArray]:
    """Put arrays into one order of labels: the order of the first array that has labels.

    If only one of two arrays has labels along a dimension, or neither, entries pair by their place.

    Parameters
    ----------
    arrays
        Arrays by the names that an error message uses.

    Returns
    -------
    list of xarray.DataArray
        The same arrays; those with labels in another order are reordered.

    Raises
    ------
    ValueError
        If two arrays share a dimension, but have different labels or different lengths along this dimension.

    Examples
    --------
    >>> x = xr.DataArray([1.0, 2.0], dims="seed", coords={"seed": [0, 1]})
    >>> paired({"x": x, "y": x[::-1]})[1].values
    array([1., 2.])
    """
    found: list[xr.DataArray] = []
    first: dict[Any, tuple[str, xr.DataArray]] = {}
    for name, array in arrays.items():
        for dim in array.dims:
            if dim in first:
                array = _like(dim, first[dim], (name, array))
            if dim not in first or (dim in array.indexes and dim not in first[dim][1].indexes):
                first[dim] = (name, array)
        found.append(array)
    return found


def require_shared(one: xr.DataArray, one_name: str, other: xr.DataArray, name: str) -> None:
    """Raise ``ValueError`` if two arrays share a dimension but no label, or have no labels and different lengths."""
    for dim in set(one.dims) & set(other.dims):
        if dim not in one.indexes or dim not in other.indexes:
            _like(dim, (one_name, one), (name, other))
        elif not one.indexes[dim].isin(other.indexes[dim]).any():
            difference = _difference(one_name, one.indexes[dim], name, other.indexes[dim])
            raise ValueError(
                f"{one_name} and {name} share no label along {dim!r}{difference}: give arrays of the same runs."
            )


def _like(dim: Any, one: tuple[str, xr.DataArray], other: tuple[str, xr.DataArray]) -> xr.DataArray:
    (one_name, model), (name, array) = one, other
    if dim not in model.indexes or dim not in array.indexes:
        if model.sizes[dim] != array.sizes[dim]:
            raise ValueError(
                f"{one_name} has {model.sizes[dim]} entries along {dim!r}, and {name} {array.sizes[dim]}: give arrays of the "
                f"same entries."
            )
        return array
    wanted, given = model.indexes[dim], array.indexes[dim]
    if wanted.equals(given):
        return array
    if not wanted.is_unique or not given.is_unique or len(wanted) != len(given) or not wanted.isin(given).all():
        raise ValueError(
            f"{one_name} and {name} have different labels along {dim!r}{_difference(one_name, wanted, name, given)}: give "
            f"arrays of the same entries, for example with xarray.align({one_name}, {name}, join='inner'), which keeps those "
            f"that both have."
        )
    return array.isel({dim: given.get_indexer(wanted)})


def _difference(one: str, wanted: Any, name: str, given: Any) -> str:
    parts = [
        f"only {who} has {_some(mine[~mine.isin(other)])}"
        for who, mine, other in ((one, wanted, given), (name, given, wanted))
        if not mine.isin(other).all()
    ]
    return f" ({', '.join(parts)})" if parts else " (labels repeat)"


def _some(labels: Sequence[Any]) -> str:
    shown = ", ".join(str(np.asarray(label)[()]) for label in labels[:_SHOWN])
    return shown + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
