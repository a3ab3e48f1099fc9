"""Rank statistics on labelled arrays: Spearman's correlation, and whether marked entries rank above the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.pairing import paired
from memjax.checks.labelled import require_array, require_dim

__all__ = ["mann_whitney", "rank_of_pairs", "spearman", "spearman_matrix"]

FloatArray = npt.NDArray[np.float64]


def spearman(x: xr.DataArray, y: xr.DataArray, dim: str) -> xr.DataArray:
    """Spearman's rank correlation along a dimension.

    Parameters
    ----------
    x, y
        Values ``(..., dim)``, paired by label; other dimensions broadcast against each other. Pairs in which a value is not
        finite are left out.
    dim
        Dimension of the entries that are ranked.

    Returns
    -------
    xarray.DataArray
        float64 ``(...)`` in [-1, 1]; NaN if fewer than two pairs are left or all values are equal.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks ``dim``, or the labels differ.

    Notes
    -----
    This is Pearson's correlation of the ranks, in which ties have their mean rank, as in `scipy.stats.spearmanr`.

    Examples
    --------
    >>> x = xr.DataArray([1.0, 2.0, 3.0, 4.0], dims="example")
    >>> float(spearman(x, x**3, "example")), round(float(spearman(x, xr.DataArray([1.0, 4.0, 2.0, 3.0], dims="example"),
    ...                                                           "example")), 3)
    (1.0, 0.4)
    """
    for name, values in (("x", x), ("y", y)):
        require_array(values, name)
        require_dim(values, dim, "dim")
    x, y = paired({"x": x, "y": y})
    found: xr.DataArray = xr.apply_ufunc(
        _rank_correlations,
        x.astype(np.float64),
        y.astype(np.float64),
        input_core_dims=[[dim], [dim]],
    )
    return found.drop_attrs(deep=False).assign_attrs(long_name="Spearman correlation", units="1")


def _rank_correlations(x: FloatArray, y: FloatArray) -> FloatArray:
    """Spearman's correlation over the last axis of arrays ``[..., n]`` that broadcast against each other."""
    from scipy.stats import rankdata

    if x.shape[-1] < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        # Other pairs are left out at every place.
        return np.asarray(np.vectorize(rank_of_pairs, signature="(n),(n)->()", otypes=[np.float64])(x, y))
    first, second = (rankdata(one, axis=-1) - (x.shape[-1] + 1) / 2 for one in (x, y))
    size = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    return np.asarray((first * second).sum(-1) / np.where(size > 0, size, np.nan))


def spearman_matrix(values: xr.DataArray, over: str, dim: str) -> xr.DataArray:
    """Spearman's correlation between all pairs of entries of one dimension, with ranks taken along another dimension.

    Parameters
    ----------
    values
        Values ``(..., over, dim)``.
    over
        Dimension whose entries are compared, such as ``seed``.
    dim
        Dimension of the entries that are ranked, such as ``example``.

    Returns
    -------
    xarray.DataArray
        float64 ``(..., over, other)``, symmetric; ``other`` has the labels of ``over``.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray or lacks a dimension, ``over`` and ``dim`` are the same, or there is a dimension
        ``other`` already. A coordinate of that name is dropped.

    Examples
    --------
    >>> scores = xr.DataArray([[1.0, 2.0, 3.0], [2.0, 4.0, 9.0], [3.0, 2.0, 1.0]], dims=("seed", "example"))
    >>> spearman_matrix(scores, "seed", "example").values.round(2).tolist()
    [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    """
    require_array(values, "values")
    require_dim(values, over, "over")
    if over == dim:
        raise ValueError(f"over and dim are both {dim!r}; what is compared and what is ranked must be two dimensions.")
    if "other" in values.dims:
        raise ValueError(
            f"The array has dimensions {list(values.dims)}, and 'other' is the name of a dimension of the result. "
            f"Rename it first, for example with .rename(other='another')."
        )
    values = values.drop_vars("other", errors="ignore")
    return spearman(values, values.rename({over: "other"}), dim).transpose(..., over, "other")


def mann_whitney(values: xr.DataArray, marked: xr.DataArray, dim: str) -> xr.Dataset:
    """Say whether marked entries rank above the others along a dimension.

    Parameters
    ----------
    values
        Values ``(..., dim)``; entries that are not finite are left out.
    marked
        Nonzero or True for marked entries, ``(..., dim)``, paired with ``values`` by label; broadcasts against ``values``.
        Entries at which ``marked`` is NaN are left out.
    dim
        Dimension of the entries.

    Returns
    -------
    xarray.Dataset
        ``share`` float64 ``(...)``: probability that a marked entry lies above one that is not marked, with ties counted half.
        This is the area under the ROC curve of ``values``, and 0.5 if both kinds of entries are spread alike. ``pvalue``:
        two-sided, of the hypothesis that both kinds have one distribution. ``count`` int64: number of marked entries. NaN if
        no entry or every entry is marked.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks ``dim``, the labels differ, or ``marked`` holds neither numbers nor flags.

    Notes
    -----
    Mann and Whitney (1947), doi:10.1214/aoms/1177730491, by `scipy.stats.mannwhitneyu`: share = U / (n_1 n_2).

    Examples
    --------
    >>> scores = xr.DataArray([0.1, 0.4, 0.35, 0.8], dims="example")
    >>> wrong = xr.DataArray([False, False, True, True], dims="example")
    >>> found = mann_whitney(scores, wrong, "example")
    >>> float(found.share), int(found["count"])
    (0.75, 2)
    """
    for name, array in (("values", values), ("marked", marked)):
        require_array(array, name)
        require_dim(array, dim, "dim")
    if marked.dtype.kind not in "biuf":
        raise ValueError(f"marked is of dtype {marked.dtype}: give flags or numbers, for example marked = labels == 3.")
    values, marked = paired({"values": values, "marked": marked})
    share, pvalue, count = xr.apply_ufunc(
        _shares,
        values.astype(np.float64),
        marked.astype(np.float64),
        input_core_dims=[[dim], [dim]],
        output_core_dims=[[], [], []],
        vectorize=True,
        output_dtypes=[np.float64, np.float64, np.int64],
    )
    found = xr.Dataset({"share": share, "pvalue": pvalue, "count": count})
    return found.drop_attrs(deep=False).assign_attrs(method=f"Mann-Whitney U along {dim}")


def rank_of_pairs(x: FloatArray, y: FloatArray) -> float:
    """Spearman's correlation of two arrays ``[n]``; pairs in which a value is not finite are left out."""
    from scipy.stats import rankdata

    keep = np.isfinite(x) & np.isfinite(y)
    if keep.sum() < 2:
        return float("nan")
    ranks = rankdata(np.stack([x[keep], y[keep]]), axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    size = np.sqrt((ranks**2).sum(axis=1).prod())
    return float(ranks[0] @ ranks[1] / size) if size else float("nan")


def _shares(values: FloatArray, marked: FloatArray) -> tuple[Any, Any, int]:
    from scipy.stats import mannwhitneyu

    keep = np.isfinite(values) & ~np.isnan(marked)
    above, rest = values[keep & (marked != 0)], values[keep & (marked == 0)]
    if not len(above) or not len(rest):
        return np.nan, np.nan, len(above)
    found = mannwhitneyu(above, rest)
    return found.statistic / (len(above) * len(rest)), found.pvalue, len(above)
