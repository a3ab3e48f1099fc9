"""Least-squares predictions of runs that were left out of the fit, and their scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memjax.analysis.association.ranks import rank_of_pairs

__all__ = ["predictions", "scores"]

FloatArray = npt.NDArray[np.float64]


def predictions(x: FloatArray, y: FloatArray, fold: npt.NDArray[np.int64], scale: str) -> FloatArray:
    """Predictions ``[2, R, T]`` from features ``x [R, T, k]`` and from the mean of the other runs; fold ``[R]``.

    If a snapshot is NaN, both of its predictions are NaN.
    """
    made = np.full((2, *y.shape), np.nan)
    for one in np.unique(fold):
        out = fold == one
        made[0, out] = _fitted(x[~out], y[~out], x[out], scale)
        made[1, out] = _mean_of_runs(y[~out])
    return np.where(np.isfinite(y) & np.isfinite(made).all(axis=0), made, np.nan)


def scores(made: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """R^2, Spearman correlation and root mean square error, each ``[..., R]``, of predictions ``[..., R, T]``.

    R^2 and correlation are NaN if the target of a run does not vary; all three are NaN if nothing is predicted.
    """
    target = np.where(np.isfinite(made), y, np.nan)
    count = np.isfinite(target).sum(axis=-1)
    used = np.where(count > 0, count, np.nan)
    centred = target - (np.nansum(target, axis=-1) / used)[..., None]
    total, left = np.nansum(centred**2, axis=-1), np.nansum((target - made) ** 2, axis=-1)
    # A spread within rounding counts as no spread.
    varies = total > 1e-20 * np.nansum(target**2, axis=-1)
    pairs = zip(made.reshape(-1, y.shape[-1]), target.reshape(-1, y.shape[-1]), strict=True)
    rank = np.reshape([rank_of_pairs(a, b) for a, b in pairs], total.shape)
    return 1.0 - left / np.where(varies, total, np.nan), np.where(varies, rank, np.nan), np.sqrt(left / used)


def _fitted(x: FloatArray, y: FloatArray, at: FloatArray, scale: str) -> FloatArray:
    fine = np.isfinite(y)
    if not fine.any():
        return np.full(at.shape[:-1], np.nan)
    known = x[fine]
    columns, there = _scaled(known, known, scale), _scaled(at, known, scale)
    # Features are scaled by their spread in the runs fitted, so that the cut-off of lstsq does not depend on units.
    middle, spread = columns.mean(axis=0), columns.std(axis=0)
    spread = np.where(spread > 0.0, spread, 1.0)
    one = np.ones((len(columns), 1))
    weights = np.linalg.lstsq(np.hstack([one, (columns - middle) / spread]), y[fine], rcond=None)[0]
    found: FloatArray = weights[0] + (there - middle) / spread @ weights[1:]
    return found


def _scaled(values: FloatArray, known: FloatArray, scale: str) -> FloatArray:
    if scale == "linear":
        return values
    if scale == "log":
        return np.log(values)
    ranks = [_rank_among(values[..., i], np.sort(known[:, i])) for i in range(known.shape[1])]
    return np.stack(ranks, axis=-1)


def _rank_among(values: FloatArray, known: FloatArray) -> FloatArray:
    """Share of the known values below each one, ties counted half; NaN stays NaN."""
    both = np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")
    return np.where(np.isnan(values), np.nan, both / (2.0 * known.size))


def _mean_of_runs(y: FloatArray) -> FloatArray:
    """Mean ``[T]`` of the finite entries of ``y [R, T]``; NaN where no entry is finite."""
    count = np.isfinite(y).sum(axis=0)
    return np.nansum(y, axis=0) / np.where(count > 0, count, np.nan)
