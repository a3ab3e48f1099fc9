"""What the tables and figures of the study data-dimensionality are made of: curves, their distances, ranks of points."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis

__all__ = [
    "VARIED", "apart", "at_end", "between_seeds", "curve_distance", "error_share", "pairs_of", "percentiles", "sorted_curves",
]  # fmt: skip

VARIED = {"widths": "hidden", "sizes": "train_size", "decays": "weight_decay", "inputs": "scale"}
"""Sweeps that vary one thing, and the axis that it is."""


def at_end(values: xr.DataArray) -> xr.DataArray:
    """The last snapshot that each run has.

    Examples
    --------
    >>> coords = {"seed": [0, 1], "snapshot": [0, 5, 9]}
    >>> kept = xr.DataArray([[1.0, 2.0, np.nan], [3.0, np.nan, 4.0]], coords, ("seed", "snapshot"))
    >>> at_end(kept).values.tolist()
    [2.0, 4.0]
    """
    there = values.notnull()
    there = there.any("example") if "example" in there.dims else there
    last = (there * np.arange(1, there.sizes["snapshot"] + 1)).argmax("snapshot")
    return values.isel(snapshot=last).drop_vars("snapshot")


def sorted_curves(values: xr.DataArray, points: int = 401) -> xr.DataArray:
    """Values in descending order over their mean, at even shares of the examples: curves that can be laid over each other.

    Examples
    --------
    >>> sorted_curves(xr.DataArray([1.0, 3.0, 2.0, np.nan], dims="example"), points=3).values.tolist()
    [1.5, 1.0, 0.5]
    """
    share = np.linspace(0, 1, points)

    def one(row: np.ndarray) -> np.ndarray:
        kept = np.sort(row[np.isfinite(row)])[::-1]
        if not len(kept):
            return np.full(points, np.nan)
        return np.interp(share * (len(kept) - 1), np.arange(len(kept)), kept) / kept.mean()

    curves: xr.DataArray = xr.apply_ufunc(
        one, values, input_core_dims=[["example"]], output_core_dims=[["share"]], vectorize=True
    )
    attrs = {"long_name": "D* over its mean", "units": "1"}
    return curves.assign_coords(share=("share", share, {"long_name": "share of the points, by D*"})).assign_attrs(attrs)


def curve_distance(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Mean difference between two sorted curves, in units of the mean D* (the Wasserstein distance of the distributions)."""
    return abs(one - other).mean("share")


def between_seeds(values: xr.DataArray) -> xr.DataArray:
    """Spearman correlation of the points' values between all pairs of seeds ``(..., pair)``."""
    return pairs_of(analysis.spearman_matrix(values, "seed", "example"), "seed")


def pairs_of(matrix: xr.DataArray, dim: str) -> xr.DataArray:
    """Entries above the diagonal of ``(..., dim, other)`` as ``(..., pair)``."""
    rows, columns = np.triu_indices(matrix.sizes[dim], 1)
    at = {dim: xr.DataArray(rows, dims="pair"), "other": xr.DataArray(columns, dims="pair")}
    return matrix.isel(at)


def apart(values: xr.DataArray) -> xr.DataArray:
    """Distance of the sorted curves of all pairs of seeds ``(..., pair)``."""
    curves = sorted_curves(values)
    return pairs_of(curve_distance(curves, curves.rename(seed="other")).transpose(..., "seed", "other"), "seed")


def percentiles(values: xr.DataArray) -> xr.DataArray:
    """Rank of each example's value among all of its run, from 0 (least) to 100.

    Examples
    --------
    >>> percentiles(xr.DataArray([5.0, 1.0, 3.0], dims="example")).values.tolist()
    [100.0, 0.0, 50.0]
    """
    from scipy.stats import rankdata

    def one(row: np.ndarray) -> np.ndarray:
        return 100 * (rankdata(row, nan_policy="omit") - 1) / max(np.isfinite(row).sum() - 1, 1)

    dims = [["example"]]
    found: xr.DataArray = xr.apply_ufunc(one, values, input_core_dims=dims, output_core_dims=dims, vectorize=True)
    return found


def error_share(values: xr.Dataset, least: int = 5) -> xr.DataArray:
    """Probability that a misclassified point has a larger D* than a right one ``(seed, snapshot)``; NaN for few errors."""
    found = analysis.mann_whitney(values["data_dimensionality"], values["wrong"] == 1, "example")
    return found["share"].where(found["count"] >= least)
