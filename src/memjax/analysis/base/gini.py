"""The Gini coefficient of values along a dimension: how few of them hold most of their sum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.lift import lift
from memjax.checks.labelled import require_array, require_dim

__all__ = ["gini", "gini_of_rows"]


def gini(values: xr.DataArray, dim: str = "example") -> xr.DataArray:
    """Gini coefficient along a dimension: half the mean absolute difference of two values, in units of their mean.

    Arpit et al. (2017, arXiv:1706.05394) take the coefficient of the loss sensitivities of all examples.

    Parameters
    ----------
    values
        Values of at least 0, dimensions ``(..., dim)``. Values that are not finite are left out.
    dim
        Dimension whose n values are compared.

    Returns
    -------
    xarray.DataArray
        float64 ``(...)``: 0 where all values are equal, (n - 1) / n where one value of n holds everything, NaN where all values
        are zero or none is finite. A common factor of the values changes nothing.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray, ``dim`` is not one of its dimensions, or a value is negative.

    Examples
    --------
    >>> import xarray as xr
    >>> share = xr.DataArray([[0.0, 0.0, 0.0, 1.0], [2.0, 2.0, 2.0, float("nan")]], dims=("run", "example"))
    >>> gini(share).values.tolist()
    [0.75, 0.0]
    """
    require_array(values, "values")
    require_dim(values, dim, "dim")
    low = float(values.where(np.isfinite(values)).min())
    if low < 0:
        raise ValueError(
            f"values holds {low:g}, but a Gini coefficient is of values of at least 0: take absolute values first."
        )
    found = lift(lambda array: (gini_of_rows(array),), values, [dim], {"gini": ()})["gini"]
    about = values.attrs.get("long_name", values.name or "values")
    found.attrs = {"long_name": f"Gini coefficient of {about}", "units": "1"}
    return found


def gini_of_rows(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Coefficients ``[...]`` of the finite ones of values ``[..., n]``, all at least 0.

    Examples
    --------
    >>> gini_of_rows(np.array([[0.0, 0.0, 3.0], [2.0, 2.0, np.nan]])).round(4).tolist()
    [0.6667, 0.0]
    """
    finite = np.isfinite(values)
    count = finite.sum(-1, keepdims=True)
    # What is left out stands behind all others, and counts as nothing.
    ordered = np.sort(np.where(finite, values, np.inf), axis=-1)
    largest = np.where(finite, values, 0.0).max(-1, keepdims=True)
    known = np.isfinite(ordered) & (largest > 0)
    # In units of the largest value no sum leaves the range of float64.
    shares = np.divide(ordered, largest, out=np.zeros_like(ordered), where=known)
    weights = 2 * np.arange(1, values.shape[-1] + 1) - count - 1
    total = shares.sum(-1) * count[..., 0]
    return np.divide((shares * weights).sum(-1), total, out=np.full(total.shape, np.nan), where=total > 0)
