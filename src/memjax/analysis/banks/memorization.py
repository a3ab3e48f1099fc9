"""Memorisation scores: how much better a network is about a row if it was trained on the row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.banks.bank import apply_to_banks, run_weights
from memjax.analysis.base.resampling import central_interval
from memjax.checks.labelled import require_fraction, require_resamples

__all__ = ["memorization"]

FloatArray = npt.NDArray[np.float64]

_OUTPUTS: dict[str, list[str]] = {
    "memorization": ["example"],
    "seen": ["example"],
    "unseen": ["example"],
    "standard_error": ["example"],
    "error_bound": ["example"],
    "seen_count": ["example"],
    "unseen_count": ["example"],
    "mean_memorization": [],
    "mean_interval": ["bound"],
}


def memorization(
    values: xr.DataArray,
    train_count: xr.DataArray,
    runs: str | Sequence[str] = "seed",
    *,
    level: float = 0.95,
    resamples: int = 200,
    rng_seed: int = 0,
) -> xr.Dataset:
    """Memorisation score of every row: mean value of the networks trained on the row, minus that of the others.

    Parameters
    ----------
    values
        Value of every row by every network, ``(..., runs, example)``, such as ``ds.example_correct`` at one step: 1 where the
        network is right about the row, else 0. Other values work too, such as log-odds. Values that are not finite are left
        out.
    train_count
        How often each network was trained on each row, ``(..., runs, example)``, such as ``ds.train_count``.
    runs
        Dimensions of the networks of one bank.
    level
        Nominal coverage of the interval of the mean, between 0 and 1.
    resamples
        Number of bootstrap draws of networks, at least 100. 0 makes none, which is many times as fast, and leaves
        ``standard_error`` and ``mean_interval`` NaN.
    rng_seed
        Seed of the draws.

    Returns
    -------
    xarray.Dataset
        By row, float64: ``memorization`` ``(..., example)``; its two parts ``seen`` and ``unseen``; ``standard_error``, by the
        bootstrap over networks; ``error_bound``, the largest possible standard error of a difference of two shares of so
        many networks (NaN if values are not in [0, 1]); ``seen_count`` and ``unseen_count``, numbers of networks. Over all
        rows: ``mean_memorization`` ``(...)`` with ``mean_interval`` ``(..., bound)``, by the same draws. A row that every
        network, or none, was trained on has no score (NaN).

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, labels differ, or an option is out of its range.

    Notes
    -----
    The score is that of Feldman and Zhang (2020, arXiv:2008.03703), estimated from networks on random subsets. With n networks
    that saw the row and m that did not, a share has at most the variance 1/(4n) or 1/(4m), so the bound is
    sqrt(1/(4n) + 1/(4m)); their Lemma 2.1 bounds the squared error by four times as much and a small term for the chance that
    n or m is small. A row whose networks all agree has a bootstrap error of zero, which is too small; the bound is not.

    The mean score is the accuracy on rows that were trained on minus the accuracy on rows that were not, with every row
    counted alike. If all networks have equally many rows, and all rows equally many networks, this is the mean train accuracy
    minus the mean held-out accuracy, and the advantage of the attack that takes rows classified right for train rows (Yeom et
    al. 2018, arXiv:1709.01604).

    Examples
    --------
    >>> right = xr.DataArray([[1, 0], [1, 1], [0, 1], [1, 1]], dims=("seed", "example"))
    >>> trained = xr.DataArray([[1, 0], [1, 0], [0, 1], [0, 1]], dims=("seed", "example"))
    >>> found = memorization(right, trained)
    >>> found.memorization.values, float(found.mean_memorization), found.error_bound.values.round(3)
    (array([0.5, 0.5]), 0.5, array([0.5, 0.5]))
    """
    require_fraction(level, "level")
    if resamples != 0:
        require_resamples(resamples, min(level, 0.98))
    arrays = {"values": values, "train_count": train_count}

    def scores(values: FloatArray, count: FloatArray) -> tuple[FloatArray, ...]:
        return _scores(values.astype(np.float64), count > 0, run_weights(len(values), resamples, rng_seed), level)

    found = apply_to_banks(scores, arrays, {name: ["example"] for name in arrays}, runs, _OUTPUTS)
    found = found.assign_coords(bound=["lower", "upper"])
    return _labelled(found).assign_attrs(level=level, resamples=resamples, runs=np.atleast_1d(runs).tolist())


def _scores(
    values: FloatArray, member: npt.NDArray[np.bool_], weights: FloatArray, level: float
) -> tuple[FloatArray, ...]:
    """Results for values and membership ``[R, N]`` and weights of the runs in bootstrap draws ``[B, R]``."""
    finite = np.isfinite(values)
    known = np.where(finite, values, 0.0)
    inside, outside = (finite & member).astype(np.float64), (finite & ~member).astype(np.float64)
    ones = np.ones((1, len(values)))
    seen, unseen = (_means(ones, known, part)[0] for part in (inside, outside))
    draws = _means(weights, known, inside) - _means(weights, known, outside)
    n, m = inside.sum(0), outside.sum(0)
    with np.errstate(divide="ignore"):
        bound = np.sqrt(0.25 / n + 0.25 / m)
    shares = ((known >= 0) & (known <= 1)).all()
    scored = np.isfinite(seen - unseen)
    score = np.where(scored, seen - unseen, np.nan)
    interval = central_interval(_mean(draws[:, scored]), level) if len(draws) else np.full(2, np.nan)
    error = np.where(scored, np.sqrt(_variance(draws)), np.nan)
    bound = np.where(scored & shares, bound, np.nan)
    return score, seen, unseen, error, bound, n, m, _mean(score[None, scored])[0], interval


def _means(weights: FloatArray, values: FloatArray, part: FloatArray) -> FloatArray:
    """Weighted means ``[B, N]`` over the runs of a part; NaN where the part is empty."""
    count = weights @ part
    return (weights @ (values * part)) / np.where(count > 0, count, np.nan)


def _mean(draws: FloatArray) -> FloatArray:
    """Mean over the last axis of the entries that are not NaN; NaN if there are none."""
    finite = np.isfinite(draws)
    count = finite.sum(-1)
    return np.asarray(np.where(finite, draws, 0.0).sum(-1) / np.where(count > 0, count, np.nan))


def _variance(draws: FloatArray) -> FloatArray:
    """Variance ``[N]`` over draws ``[B, N]``, without those in which a part is empty."""
    finite = np.isfinite(draws)
    count, mean = finite.sum(0), _mean(draws.T)
    away = np.where(finite, draws - mean, 0.0)
    return np.asarray((away**2).sum(0) / np.where(count > 1, count - 1, np.nan))


_LONG_NAMES = {
    "memorization": "memorization score",
    "seen": "mean value of the networks that were trained on the row",
    "unseen": "mean value of the other networks",
    "standard_error": "standard error of the score, by bootstrap over networks",
    "error_bound": "largest possible standard error of the score",
    "seen_count": "number of networks that were trained on the row",
    "unseen_count": "number of the other networks",
    "mean_memorization": "mean memorization score",
    "mean_interval": "interval of the mean score",
}


def _labelled(found: xr.Dataset) -> xr.Dataset:
    for name, text in _LONG_NAMES.items():
        found[name] = found[name].assign_attrs(long_name=text, units="1")
    return found
