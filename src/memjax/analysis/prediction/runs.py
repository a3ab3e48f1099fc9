"""What every score reads: a measure and the gap of the same runs, and which of two runs has more of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.pairing import paired
from memjax.checks.labelled import require_array, require_dim

__all__ = ["finite_in_both", "flat_runs", "labels_of", "names_of", "of_the_same_runs", "signs"]

FloatArray = npt.NDArray[np.float64]


def names_of(dims: str | Sequence[str], repeats: str | Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Lists of the dimensions of hyperparameters and of repeats; ``ValueError`` if a name repeats or no dimension is named.

    Examples
    --------
    >>> names_of("width", "seed")
    (['width'], ['seed'])
    """
    first, second = ([names] if isinstance(names, str) else list(names) for names in (dims, repeats))
    if not first:
        raise ValueError("dims is empty: name at least one dimension of the runs, for example dims=['width'].")
    twice = sorted({name for name in first + second if (first + second).count(name) > 1})
    if twice:
        raise ValueError(f"dims and repeats name {twice[0]!r} twice: name each dimension of the runs once.")
    return first, second


def of_the_same_runs(
    measure: xr.DataArray, gap: xr.DataArray, dims: Sequence[str]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Measure and gap in float64, paired by label, each with all dimensions of the runs.

    Parameters
    ----------
    measure, gap
        Values of runs. The gap has all of ``dims``; a measure without one of them holds for all entries of this dimension.
    dims
        Dimensions of the runs.

    Raises
    ------
    ValueError
        If an array is not a DataArray of numbers, the gap lacks a dimension, or the labels differ.

    Examples
    --------
    >>> gap = xr.DataArray([[0.1, 0.2], [0.3, 0.4]], dims=("width", "seed"))
    >>> parameters = xr.DataArray([10, 20], dims="width")
    >>> of_the_same_runs(parameters, gap, ["width", "seed"])[0].sizes["seed"]
    2
    """
    for name, array in (("measure", measure), ("gap", gap)):
        require_array(array, name)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name} is of dtype {array.dtype}: give numbers, for example {name}.astype(float).")
    for dim in dims:
        require_dim(gap, dim, "the dimension of runs")
    gap, measure = paired({"gap": gap, "measure": measure})
    lacking = {dim: gap.sizes[dim] for dim in dims if dim not in measure.dims}
    return measure.expand_dims(lacking).astype(np.float64), gap.astype(np.float64)


def labels_of(measure: xr.DataArray, gap: xr.DataArray, dim: str) -> list[str]:
    """Labels along a dimension as text, from the array that has labels; without labels the places 0, 1, ...

    Examples
    --------
    >>> gap = xr.DataArray([0.1, 0.2], dims="width", coords={"width": [16, 32]})
    >>> labels_of(gap, gap, "width")
    ['16', '32']
    """
    source = next((array for array in (gap, measure) if dim in array.coords), None)
    values = range(gap.sizes[dim]) if source is None else source[dim].values
    return [str(value) for value in values]


def flat_runs(values: FloatArray, count: int) -> FloatArray:
    """One last axis in place of the last ``count`` axes.

    Examples
    --------
    >>> flat_runs(np.zeros((4, 2, 3)), 2).shape
    (4, 6)
    """
    return values.reshape(*values.shape[: values.ndim - count], -1)


def finite_in_both(measure: FloatArray, gap: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both arrays ``[...]`` in one shape; NaN where a value of either is not finite.

    Examples
    --------
    >>> finite_in_both(np.array([1.0, np.inf]), np.array([2.0, 3.0]))
    (array([ 1., nan]), array([ 2., nan]))
    """
    fine = np.isfinite(measure) & np.isfinite(gap)
    return np.where(fine, measure, np.nan), np.where(fine, gap, np.nan)


def signs(one: FloatArray, other: FloatArray) -> npt.NDArray[np.int8]:
    """Sign of ``one - other``, int8: 1, 0 or -1; 0 if either is NaN.

    Examples
    --------
    >>> signs(np.array([1.0, 2.0, np.nan]), np.array([2.0, 2.0, 0.0]))
    array([-1,  0,  0], dtype=int8)
    """
    # A comparison has no overflow and no rounding; a difference has.
    return (one > other).astype(np.int8) - (one < other).astype(np.int8)
