"""Influence of every row on every test example: how much better networks are about the example if trained on the row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.banks.bank import apply_to_banks

__all__ = ["influence"]

FloatArray = npt.NDArray[np.float64]


def influence(
    values: xr.DataArray,
    train_count: xr.DataArray,
    runs: str | Sequence[str] = "seed",
    *,
    of: str = "test_example",
) -> xr.Dataset:
    """Influence of every row on every test example: mean value of the networks trained on the row, minus that of the others.

    Parameters
    ----------
    values
        Value of every test example by every network, ``(..., runs, of)``: 1 where the network is right, or any other number. A
        network with a value that is not finite is left out.
    train_count
        How often each network was trained on each row, ``(..., runs, example)``.
    runs
        Dimensions of the networks of one bank.
    of
        Dimension of the test examples. For the influence of rows on rows, rename the rows of the values first, as in
        ``ds.example_correct.rename(example="other")``.

    Returns
    -------
    xarray.Dataset
        float32 ``influence`` and ``standard_error`` ``(..., example, of)``. The error is that of a difference of two means with
        their own variances; where all networks of a part agree its variance is zero, so see the bound of `memorization` too.
        A row that every network, or none, was trained on has NaN.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, or labels differ.

    Notes
    -----
    The estimator is that of Feldman and Zhang (2020, arXiv:2008.03703), section 2. The influence of a row on itself is the
    row's memorisation score. Sums over networks are matrix products, so no array of networks times rows times test examples is
    made: the largest arrays are of rows times test examples.

    Examples
    --------
    >>> right = xr.DataArray([[1], [1], [0], [1]], dims=("seed", "test_example"))
    >>> trained = xr.DataArray([[1, 0], [1, 0], [0, 1], [0, 1]], dims=("seed", "example"))
    >>> influence(right, trained).influence.values.tolist()
    [[0.5], [-0.5]]
    """
    arrays = {"values": values, "train_count": train_count}
    outputs = {"influence": ["example", of], "standard_error": ["example", of]}
    found = apply_to_banks(_of_bank, arrays, {"values": [of], "train_count": ["example"]}, runs, outputs)
    found["influence"] = found["influence"].assign_attrs(long_name="influence of the row on the example", units="1")
    found["standard_error"] = found["standard_error"].assign_attrs(
        long_name="standard error of the influence", units="1"
    )
    return found.assign_attrs(runs=np.atleast_1d(runs).tolist())


def _of_bank(values: FloatArray, count: FloatArray) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Influence and its error ``[N, M]`` for values ``[R, M]`` and counts ``[R, N]``."""
    fine = np.isfinite(values).all(axis=1)
    known = values[fine].astype(np.float64)
    # Near their mean, values and squares lose no digits in the sums.
    away = (known - known.mean(0)).astype(np.float32) if len(known) else known.astype(np.float32)
    member = (count[fine] > 0).astype(np.float32)
    inside, outside = member.sum(0, dtype=np.float64), (1 - member).sum(0, dtype=np.float64)
    first, squares = member.T @ away, member.T @ away**2
    means, variance = [], np.zeros((), np.float32)
    for part, total, square in (
        (inside, first, squares),
        (outside, away.sum(0) - first, (away**2).sum(0) - squares),
    ):
        n = np.where(part > 0, part, np.nan).astype(np.float32)[:, None]
        mean = total / n
        means.append(mean)
        variance = variance + np.maximum(square / n - mean**2, 0) / np.where(n > 1, n - 1, np.nan)
    return means[0] - means[1], np.sqrt(variance)
