"""From an estimator on plain arrays to the same estimator on labelled ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["BOUNDS", "each", "lift", "without"]

BOUNDS = ("lower", "upper")


def lift(
    function: Callable[..., Any],
    values: xr.DataArray,
    core: Sequence[str],
    outputs: Mapping[str, Sequence[str]],
    **kwargs: Any,
) -> xr.Dataset:
    """Apply an array function to labelled values and name what it returns.

    Parameters
    ----------
    function
        Takes a float64 array ``[..., *core]`` and ``kwargs``; returns one array per entry of ``outputs``, each
        ``[..., *new]``: the core axes are gone and new axes come last.
    values
        Labelled values; every dimension that is not in ``core`` is a leading axis of the array.
    core
        Dimensions the function consumes, in the order it expects them.
    outputs
        Name of each result and its new dimensions. ``bound`` gets the coordinate ``lower``, ``upper``.
    **kwargs
        Passed on to ``function`` as they are.

    Returns
    -------
    xarray.Dataset
        One variable per output. Coordinates along ``core`` are gone, all others are kept; attributes are left empty.

    Examples
    --------
    >>> import xarray as xr
    >>> loss = xr.DataArray([[3.0, 1.0], [2.0, 2.0]], dims=("seed", "step"), name="loss")
    >>> lift(lambda y: (y.min(axis=-1),), loss, ["step"], {"lowest": ()}).lowest.values
    array([1., 2.])
    """
    results = xr.apply_ufunc(
        lambda array: _unwrap_single(function(array, **kwargs)),
        values.astype(np.float64),
        input_core_dims=[list(core)],
        output_core_dims=[list(new) for new in outputs.values()],
        # "override" keeps the attributes of the coordinates. The attributes of the values say nothing about the results.
        keep_attrs="override",
    )
    named = zip(outputs, results if len(outputs) > 1 else [results], strict=True)
    labelled = xr.Dataset({name: result.drop_attrs(deep=False) for name, result in named})
    return labelled.assign_coords(bound=list(BOUNDS)) if "bound" in labelled.dims else labelled


def each(function: Callable[..., tuple[Any, ...]], values: np.ndarray, core: int, **kwargs: Any) -> tuple[Any, ...]:
    """Call a function of one curve on every curve of an array and stack what it returns.

    Parameters
    ----------
    function
        Takes one array with ``core`` axes and ``kwargs`` and returns a tuple of numbers, strings or arrays.
    values
        Array ``[..., *core axes]``.
    core
        Number of trailing axes that make one curve.
    **kwargs
        Passed on to ``function``.

    Returns
    -------
    tuple of numpy.ndarray
        One array ``[..., *shape of that result]`` per result.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = each(lambda y: (y.min(), y.max()), np.array([[1.0, 3.0], [2.0, 5.0]]), core=1)
    >>> low, high
    (array([1., 2.]), array([3., 5.]))
    """
    leading = values.shape[: values.ndim - core]
    rows = [function(values[index], **kwargs) for index in np.ndindex(leading)]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return tuple(column.reshape(leading + column.shape[1:]) for column in columns)


def without(values: xr.DataArray, *dims: str) -> xr.DataArray:
    """Any one entry along some dimensions, without the coordinates along these dimensions.

    Examples
    --------
    >>> import xarray as xr
    >>> coords = {"width": [5], "status": (("width", "seed"), [["finished"]])}
    >>> loss = xr.DataArray([[1.0]], dims=("width", "seed"), coords=coords)
    >>> list(without(loss, "seed").coords)
    ['width']
    """
    gone = [name for name, coord in values.coords.items() if set(dims) & set(coord.dims)]
    return values.drop_vars(gone).isel(dict.fromkeys(dims, 0))


def _unwrap_single(results: tuple[Any, ...]) -> Any:
    # For one output, apply_ufunc expects an array and not a tuple of one array.
    return results[0] if len(results) == 1 else results
