"""How well a membership score tells rows that a network was trained on from other rows, at low rates of false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.banks.bank import apply_to_banks, run_weights
from memjax.analysis.base.intervals import binomial_interval
from memjax.analysis.base.resampling import central_interval
from memjax.checks.labelled import require_fraction, require_resamples

__all__ = ["roc"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Of the bootstrap draws; neighbouring rates of false alarms are then less than a hundredth apart.
_THRESHOLDS = 2048


def roc(
    scores: xr.DataArray,
    train_count: xr.DataArray,
    runs: str | Sequence[str] = "seed",
    *,
    fpr: Sequence[float] = (0.001, 0.01, 0.1),
    level: float = 0.95,
    resamples: int = 200,
    rng_seed: int = 0,
) -> xr.Dataset:
    """True positive rates at given false positive rates, the area under the ROC curve, and the advantage.

    Parameters
    ----------
    scores
        Score of every row by every network, ``(..., runs, example)``, large for rows that the network was trained on, such as
        those of `membership`. Scores that are not finite are left out.
    train_count
        How often each network was trained on each row, ``(..., runs, example)``.
    runs
        Dimensions of the networks of one bank. One threshold is used for all networks and rows.
    fpr
        False positive rates, each from 0 to 1: at 0 no false alarm is allowed, and at 1 every score may be an alarm.
    level
        Nominal coverage of the intervals, between 0 and 1.
    resamples
        Number of bootstrap draws of networks, at least 100.
    rng_seed
        Seed of the draws.

    Returns
    -------
    xarray.Dataset
        float64 ``tpr`` ``(..., fpr)``: share of the rows trained on whose score is above the lowest threshold that at most this
        share of the other scores exceeds; ``tpr_interval`` ``(..., fpr, bound)`` by the bootstrap over networks, and
        ``tpr_binomial_interval``, that of Clopper and Pearson, as if all rows were independent and the threshold known.
        ``auc``, ``advantage`` (the largest TPR minus FPR of any threshold) ``(...)`` with their ``_interval`` by bootstrap.
        ``positives`` and ``negatives``, numbers of scores. Without scores of both kinds all are NaN. ``tpr_draws``
        ``(..., draw, fpr)``, ``auc_draws`` and ``advantage_draws`` ``(..., draw)`` are the values in every bootstrap draw.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, labels differ, or an option is out of its range.

    Notes
    -----
    Equal scores are on one side of every threshold, so no attack gains by ties; ``auc`` counts them half. The advantage of an
    attack that takes rows classified right for members is the mean train accuracy minus the mean held-out accuracy (Yeom et
    al. 2018), if that is positive. Carlini et al. (2022, arXiv:2112.03570) explain why the rate at few false alarms matters
    more than averages. Scores of one network hang together, and so do those of one row: the bootstrap over networks counts the
    first, the binomial interval neither.

    The draws depend on ``rng_seed`` and on the number of networks alone. So two attacks on one bank have the same draws of
    networks, and the difference of their ``tpr_draws`` is a draw of the difference of their rates. Draws use at most 2,048
    thresholds, which are dense where false alarms are few: a drawn rate is that at the same false positive rate or at one
    that is lower by about a hundredth of itself at most.

    Examples
    --------
    >>> trained = xr.DataArray([[1, 1, 0, 0, 0, 0]], dims=("seed", "example"))
    >>> scores = xr.DataArray([[0.9, 0.3, 0.5, 0.2, 0.1, 0.0]], dims=("seed", "example"))
    >>> found = roc(scores, trained, fpr=[0.1, 0.25])
    >>> found.tpr.values.tolist(), float(found.auc), float(found.advantage)
    ([0.5, 1.0], 0.875, 0.75)

    The chance that another attack is better, as the bootstrap over networks sees it:

    >>> rng = np.random.default_rng(0)
    >>> trained = xr.DataArray(rng.random((20, 50)) < 0.5, dims=("seed", "example"))
    >>> weak, strong = (roc(size * trained + rng.normal(size=trained.shape), trained) for size in (1, 2))
    >>> float((strong.auc_draws > weak.auc_draws).mean())
    1.0
    """
    require_fraction(level, "level")
    require_resamples(resamples, min(level, 0.98))
    for rate in fpr:
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"fpr = {rate!r} must lie from 0 to 1, for example 0.01.")
    rates = np.asarray(list(fpr), np.float64)

    def of_bank(scores: FloatArray, count: FloatArray) -> tuple[FloatArray, ...]:
        return _of_bank(
            scores.astype(np.float64), count > 0, rates, level, run_weights(len(scores), resamples, rng_seed)
        )

    outputs = {
        "tpr": ["fpr"],
        "tpr_interval": ["fpr", "bound"],
        "tpr_binomial_interval": ["fpr", "bound"],
        "auc": [],
        "auc_interval": ["bound"],
        "advantage": [],
        "advantage_interval": ["bound"],
        "positives": [],
        "negatives": [],
        "tpr_draws": ["draw", "fpr"],
        "auc_draws": ["draw"],
        "advantage_draws": ["draw"],
    }
    arrays = {"scores": scores, "train_count": train_count}
    found = apply_to_banks(of_bank, arrays, {name: ["example"] for name in arrays}, runs, outputs)
    found = found.assign_coords(fpr=("fpr", rates, {"long_name": "false positive rate", "units": "1"}))
    for name, text in (("tpr", "true positive rate"), ("auc", "area under the ROC curve"), ("advantage", "advantage")):
        for one in (name, f"{name}_draws"):
            found[one] = found[one].assign_attrs(long_name=text, units="1")
    return found.assign_coords(bound=["lower", "upper"]).assign_attrs(level=level, resamples=resamples)


class _Alarms(NamedTuple):
    """Scores of a bank above each of K thresholds, from the highest threshold to the lowest.

    Attributes
    ----------
    hits, false
        Numbers ``[R, K]`` of each run's scores between a threshold and the one above: of rows trained on, and of others.
    """

    hits: FloatArray
    false: FloatArray


def _alarms(scores: FloatArray, member: BoolArray, most: int | None = None) -> _Alarms:
    """Scores by threshold: all different scores are thresholds, or ``most`` of them, dense where false alarms are few."""
    fine = np.isfinite(scores)
    run, kind, values = np.nonzero(fine)[0], member[fine], scores[fine]
    levels, place = np.unique(-values, return_inverse=True)
    if most is not None and len(levels) > most:
        last = np.cumsum(np.bincount(place[~kind], minlength=len(levels)))
        wanted = np.append(0, np.geomspace(1, max(last[-1], 1), most))
        # The lowest threshold with so many false alarms: rows trained on that lie above the next other row count as found.
        ends = np.unique(np.append(np.searchsorted(last, wanted, "right") - 1, len(levels) - 1))
        ends = ends[ends >= 0]
        place, levels = np.searchsorted(ends, place), levels[ends]
    shape = len(scores), len(levels)
    flat = run * len(levels) + place
    hits, false = (np.bincount(flat[part], minlength=shape[0] * shape[1]).reshape(shape) for part in (kind, ~kind))
    return _Alarms(hits.astype(np.float64), false.astype(np.float64))


def _of_bank(
    scores: FloatArray, member: BoolArray, rates: FloatArray, level: float, weights: FloatArray
) -> tuple[FloatArray, ...]:
    whole = _pooled(scores, member)
    positives, negatives = whole.hits.sum(), whole.false.sum()
    tpr, auc, advantage = (part[0] for part in _curves(whole, np.ones((1, 1)), rates))
    draws = _curves(_alarms(scores, member, _THRESHOLDS), weights, rates)
    tpr_interval, auc_interval, advantage_interval = (_interval(np.moveaxis(part, 0, -1), level) for part in draws)
    # Without scores of both kinds there is no rate.
    rated = np.isfinite(tpr)
    binomial = binomial_interval(np.rint(tpr * positives), np.where(rated, positives, 0), level)
    found = tpr, tpr_interval, binomial, auc, auc_interval, advantage, advantage_interval
    return (*map(np.asarray, found), np.asarray(positives), np.asarray(negatives), *draws)


def _pooled(scores: FloatArray, member: BoolArray) -> _Alarms:
    """Scores of all runs together, by every threshold."""
    return _alarms(scores.reshape(1, -1), member.reshape(1, -1))


def _curves(alarms: _Alarms, weights: FloatArray, rates: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """True positive rates ``[B, F]`` at false positive rates, areas and advantages ``[B]``, for weights ``[B, R]`` of runs."""
    hits, false = (np.cumsum(weights @ part, axis=1) for part in alarms)
    with np.errstate(invalid="ignore", divide="ignore"):
        hits, false = (np.insert(part / part[:, -1:], 0, 0.0, axis=1) for part in (hits, false))
    # Rounding of a sum must not forbid a threshold that reaches a rate exactly.
    at = (false[:, None, :] <= rates[:, None] + 1e-12).sum(-1) - 1
    found = np.take_along_axis(hits, np.maximum(at, 0), axis=1)
    area = (np.diff(false, axis=1) * (hits[:, 1:] + hits[:, :-1]) / 2).sum(1)
    both = np.isfinite(area)
    return np.where(both[:, None], found, np.nan), area, np.where(both, (hits - false).max(1), np.nan)


def _interval(draws: FloatArray, level: float) -> FloatArray:
    """Central interval ``[..., 2]`` of draws ``[..., B]``; NaN if a draw lacks one kind of rows."""
    return np.where(np.isfinite(draws).all(-1, keepdims=True), central_interval(draws, level), np.nan)
