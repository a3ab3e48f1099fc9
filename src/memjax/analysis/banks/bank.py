"""What every estimator on a bank reads: values of its networks, and on which rows each network was trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.pairing import paired
from memjax.checks.labelled import require_array, require_dim

__all__ = ["apply_to_banks", "run_weights"]

FloatArray = npt.NDArray[np.float64]

_RUN = "bank run"


def apply_to_banks(
    function: Callable[..., tuple[Any, ...]],
    arrays: Mapping[str, xr.DataArray],
    core: Mapping[str, Sequence[str]],
    runs: str | Sequence[str],
    outputs: Mapping[str, Sequence[str]],
) -> xr.Dataset:
    """Apply a function of one bank to every bank of labelled arrays.

    Parameters
    ----------
    function
        Takes one array ``[R, *core]`` for each entry of ``arrays``, and returns one array for each entry of ``outputs``.
    arrays
        Labelled arrays by the names that error messages use. What is neither runs nor core tells banks apart, such as a width.
    core
        Dimensions of one run of each array, by the same names.
    runs
        Dimensions of the runs of a bank. An array without one of them holds for all its entries.
    outputs
        Name and dimensions of every result; ``runs`` among them stands for the dimensions of the runs.

    Examples
    --------
    >>> right = xr.DataArray([[1.0, 0.0], [1.0, 1.0]], dims=("seed", "example"))
    >>> share = lambda values: (values.mean(0),)
    >>> apply_to_banks(share, {"right": right}, {"right": ["example"]}, "seed", {"share": ["example"]}).share.values
    array([1. , 0.5])
    """
    names = [runs] if isinstance(runs, str) else list(runs)
    for name, array in arrays.items():
        require_array(array, name)
        for dim in core[name]:
            require_dim(array, dim, f"the dimension of {name}")
    for dim in names:
        if not any(dim in array.dims for array in arrays.values()):
            raise ValueError(
                f"runs = {dim!r} is a dimension of none of {', '.join(arrays)}: name the dimension of the runs."
            )
    ordered = paired(arrays)
    whole = _sizes(ordered, names)
    coords = {dim: next(a[dim] for a in ordered if dim in a.dims) for dim in names}
    flat = [_flat(array, names, whole) for array in ordered]
    inner = {name: [_RUN if dim == "runs" else dim for dim in dims] for name, dims in outputs.items()}
    found = xr.apply_ufunc(
        lambda *given: _single(function(*given)),
        *flat,
        input_core_dims=[[_RUN, *core[name]] for name in arrays],
        output_core_dims=list(inner.values()),
        vectorize=True,
        keep_attrs="override",
    )
    named = zip(outputs, found if len(outputs) > 1 else [found], strict=True)
    return xr.Dataset({name: _unflat(one.drop_attrs(deep=False), names, whole, coords) for name, one in named})


def _sizes(arrays: Sequence[xr.DataArray], names: Sequence[str]) -> list[int]:
    return [next(array.sizes[dim] for array in arrays if dim in array.dims) for dim in names]


def _flat(array: xr.DataArray, names: Sequence[str], sizes: Sequence[int]) -> xr.DataArray:
    """The array with one dimension for all runs, in place of theirs."""
    there = {dim: size for dim, size in zip(names, sizes, strict=True) if dim not in array.dims}
    gone = [name for name, coord in array.coords.items() if set(coord.dims) & set(names)]
    whole = array.drop_vars(gone).expand_dims(there).transpose(*names, ...)
    rest = whole.dims[len(names) :]
    values = np.ascontiguousarray(whole.values).reshape(-1, *whole.shape[len(names) :])
    return xr.DataArray(values, dims=(_RUN, *rest), coords=dict(whole.coords))


def _unflat(
    found: xr.DataArray, names: Sequence[str], sizes: Sequence[int], coords: Mapping[str, xr.DataArray]
) -> xr.DataArray:
    if _RUN not in found.dims:
        return found
    whole = found.transpose(_RUN, ...)
    values = whole.values.reshape(*sizes, *whole.shape[1:])
    labels = {dim: coord for dim, coord in coords.items() if dim in coord.coords}
    out = xr.DataArray(values, dims=(*names, *whole.dims[1:]), coords={**whole.coords, **labels})
    # Banks first, then runs, then what a run has.
    return out.transpose(*found.dims[: found.dims.index(_RUN)], ...)


def _single(results: tuple[Any, ...]) -> Any:
    return results[0] if len(results) == 1 else results


def run_weights(runs: int, resamples: int, rng_seed: int) -> FloatArray:
    """Weights ``[B, R]`` of runs in draws with replacement: how often each draw holds each run.

    Examples
    --------
    >>> run_weights(4, 2, rng_seed=0).sum(axis=1)
    array([4., 4.])
    """
    rng = np.random.default_rng(rng_seed)
    return rng.multinomial(runs, np.full(runs, 1.0 / runs), size=resamples).astype(np.float64)
