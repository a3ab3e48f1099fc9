"""Rank correlation with groups of runs, or other numbers of the runs, held fixed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.pairing import paired
from memjax.checks.labelled import require_array, require_dim

__all__ = ["rank_correlation"]

FloatArray = npt.NDArray[np.float64]


def rank_correlation(
    x: xr.DataArray, y: xr.DataArray, groups: Sequence[str] = (), given: Sequence[xr.DataArray] = ()
) -> float:
    """Spearman's correlation within groups, pooled over groups, after the ranks of ``given`` are regressed out.

    Parameters
    ----------
    x, y
        Values of the same dimensions, paired by label. Entries where any array is not finite are left out.
    groups
        Dimensions; every combination of their labels is a group. Ranks are taken within a group, which holds these dimensions
        fixed.
    given
        Numbers to hold fixed, arrays of the same dimensions.

    Returns
    -------
    float
        Between -1 and 1; NaN if nothing varies, or nothing is left after the regression.

    Raises
    ------
    ValueError
        If an array is not a DataArray, dimensions, sizes or labels differ, or a group is none of the dimensions.

    Notes
    -----
    Without groups and ``given`` this is Spearman's correlation (`spearman`), and with ``given`` its partial correlation.
    `jackknife` gives an interval.

    Examples
    --------
    >>> size = xr.DataArray([[1.0, 1.1, 1.2], [2.0, 2.1, 2.2]], dims=("train_size", "seed"))
    >>> loss = xr.DataArray([[3.3, 3.2, 3.1], [4.3, 4.2, 4.1]], dims=("train_size", "seed"))
    >>> round(rank_correlation(size, loss), 3), round(rank_correlation(size, loss, ["train_size"]), 3)
    (0.543, -1.0)
    """
    _require_alike(x, y, given)
    x, y, *given = paired({"x": x, "y": y, **{f"given[{i}]": array for i, array in enumerate(given)}})
    for group in groups:
        require_dim(x, group, "groups")
    dims = [*groups, *(str(dim) for dim in x.dims if dim not in groups)]
    count = int(np.prod([x.sizes[dim] for dim in groups]))
    values = np.stack([array.transpose(*dims).values.reshape(count, -1) for array in (x, y, *given)]).astype(np.float64)
    ranks = np.concatenate([_centred_ranks(values[:, group]) for group in range(count)], axis=1)
    left = ranks[:2]
    if len(given):
        held = ranks[2:].T
        left = left - (held @ np.linalg.lstsq(held, left.T, rcond=None)[0]).T
    size = np.sqrt((left**2).sum(axis=1))
    # If the regression explains ranks in full, the residuals are rounding.
    if (size <= 1e-9 * np.sqrt((ranks[:2] ** 2).sum(axis=1))).any():
        return float("nan")
    return float(left[0] @ left[1] / (size[0] * size[1]))


def _require_alike(x: xr.DataArray, y: xr.DataArray, given: Sequence[xr.DataArray]) -> None:
    named = [("x", x), ("y", y), *((f"given[{i}]", array) for i, array in enumerate(given))]
    for name, array in named:
        require_array(array, name)
        if dict(array.sizes) != dict(x.sizes):
            raise ValueError(
                f"{name} has sizes {dict(array.sizes)}, and x {dict(x.sizes)}: give arrays of the same dimensions, for "
                f"example with xarray.broadcast."
            )


def _centred_ranks(values: FloatArray) -> FloatArray:
    from scipy.stats import rankdata

    ranks = rankdata(values[:, np.isfinite(values).all(axis=0)], axis=1)
    return ranks - ranks.mean(axis=1, keepdims=True) if ranks.size else ranks
