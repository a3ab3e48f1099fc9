"""Fits of one model to many curves, each an array of seeds, with the reason for every fit that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis.base.noise import patterns, seed_weights, spread
from memjax.analysis.base.resampling import central_interval, student_means
from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.least_squares import fit_curves
from memjax.analysis.fits.profile_interval import problem_of, profile_interval, unidentified, without_end

__all__ = ["Fits", "Options", "fit_of_seeds"]

FloatArray = npt.NDArray[np.float64]

NO_BEST = "no best {} inside the range that is searched"
OUT_OF_RANGE = "the values are too small or too large for numbers to hold their squares: scale them"
NOT_CONVERGED = "the search for the best {} did not converge"


@dataclass(frozen=True)
class Options:
    """How to weight a fit and how to make its intervals; see `memjax.analysis.fit`."""

    weights: Literal["count", "seed spread"] = "count"
    interval: Literal["bootstrap", "profile"] | None = "bootstrap"
    level: float = 0.95
    resamples: int = 1000
    rng_seed: int = 0


class Fits(NamedTuple):
    """Fits of M curves: parameters ``[M, p]``, intervals ``[M, p, 2]``, and the other results ``[M]``."""

    parameters: FloatArray
    intervals: FloatArray
    r_squared: FloatArray
    residual: FloatArray
    noise: FloatArray
    reason: np.ndarray


def fit_of_seeds(model: CurveModel, values: FloatArray, x: FloatArray, options: Options | None = None) -> Fits:
    """Fit one model to every curve.

    Parameters
    ----------
    model
        What to fit.
    values
        float64 ``[M, S, n]``: M curves, S seeds, n positions; non-finite entries are left out.
    x
        Ascending positions ``[n]``.
    options
        Weights and intervals.

    Returns
    -------
    Fits
        NaN with a reason where nothing can be fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from memjax.analysis.fits.named_models import curve_model
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> fit_of_seeds(curve_model("power law"), 3.0 * x[None, None] ** 0.5, x).parameters.round(6)
    array([[3. , 0.5]])
    """
    options = options or Options()
    count, size = len(values), len(model.parameters)
    blank = [np.full(count, np.nan) for _ in range(3)]
    reason = np.full(count, "", object)
    fits = Fits(np.full((count, size), np.nan), np.full((count, size, 2), np.nan), blank[0], blank[1], blank[2], reason)
    for rows, mask in patterns(np.asarray(np.isfinite(values).any(axis=1))):
        if mask.sum() <= size:
            fits.reason[rows] = f"{mask.sum()} positions with finite values, at least {size + 1} needed"
        else:
            _fit_group(fits, rows, model, values[np.ix_(rows, np.arange(values.shape[1]), mask)], x[mask], options)
    return fits._replace(reason=fits.reason.astype(str))


def _fit_group(
    fits: Fits, rows: np.ndarray, model: CurveModel, values: FloatArray, x: FloatArray, options: Options
) -> None:
    """Fit curves ``[M, S, n]`` that have all positions, and fill in their rows."""
    seeds = spread(values)
    weights = seed_weights(values) if options.weights == "seed spread" else _count_weights(seeds.counts)
    constant = np.ptp(seeds.mean, axis=1) <= 8.0 * np.finfo(np.float64).eps * np.abs(seeds.mean).max(axis=1)
    fitted = fit_curves(model, x, seeds.mean, weights)
    total = _total_squares(seeds.mean, weights)
    fits.parameters[rows] = fitted.parameters
    fits.r_squared[rows] = 1.0 - fitted.rss / np.where(total > 0.0, total, np.nan)
    fits.residual[rows] = np.sqrt(fitted.rss / np.broadcast_to(weights, seeds.mean.shape).sum(axis=1))
    fits.noise[rows] = np.sqrt(seeds.variance)
    fits.reason[rows] = np.select(
        [
            _out_of_range(seeds.mean),
            constant & (len(model.parameters) > 1),
            fitted.at_limit,
            ~fitted.converged & (model.separable is not None),
            ~np.isfinite(fitted.parameters).all(axis=1),
        ],
        [
            OUT_OF_RANGE,
            "the curve is constant",
            NO_BEST.format(model.name),
            NOT_CONVERGED.format(model.name),
            _failed(model),
        ],
        "",
    )
    failed = rows[fits.reason[rows] != ""]
    fits.parameters[failed] = fits.r_squared[failed] = fits.residual[failed] = np.nan
    if options.interval is None:
        return
    for row, curve, own in zip(rows, values, np.broadcast_to(weights, seeds.mean.shape), strict=True):
        if not fits.reason[row]:
            fits.intervals[row], fits.reason[row] = _intervals(model, curve, x, own, fits.parameters[row], options)


def _out_of_range(mean: FloatArray) -> np.ndarray:
    """Which curves ``[M, n]`` have squares that underflow, or overflow in a sum."""
    size = np.abs(mean).max(axis=1)
    return (size > 1e150) | ((size < 1e-150) & (size > 0.0))


def _failed(model: CurveModel) -> str:
    if model.separable is None:
        return f"the search for the best {model.name} failed: try another start"
    return f"the best {model.name} has parameters out of the range of numbers: shift or scale the positions"


def _count_weights(count: FloatArray) -> FloatArray:
    """Weights ``[n]``, or ``[M, n]`` if the curves have different numbers of seeds at a position."""
    weights = count / count.mean(axis=1, keepdims=True)
    return weights[0] if (weights == weights[0]).all() else weights


def _total_squares(mean: FloatArray, weights: FloatArray) -> FloatArray:
    weights = np.broadcast_to(weights, mean.shape)
    middle = (weights * mean).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    return (weights * (mean - middle) ** 2).sum(axis=1)


def _intervals(
    model: CurveModel, values: FloatArray, x: FloatArray, weights: FloatArray, best: FloatArray, options: Options
) -> tuple[FloatArray, str]:
    """Intervals ``[p, 2]`` of one curve ``[S, n]``, and the reason if there are none."""
    if options.interval == "profile":
        problem = problem_of(model, values, x, weights, best)
        if problem is None:
            return np.full((best.size, 2), np.nan), "no noise to judge by: no interval"
        return profile_interval(problem, options.level)
    counts = np.isfinite(values).sum(axis=0)
    if counts.min() < 2:
        reason = "one seed: no interval" if len(values) == 1 else "a position has only one seed"
        return np.full((best.size, 2), np.nan), reason
    draws = fit_curves(model, x, student_means(values, options.resamples, options.rng_seed), weights, best)
    intervals, reason = _percentiles(model, draws.parameters, draws.at_limit, options.level)
    if model.separable is not None:
        return (_widened(x, intervals), reason) if model.separable.exhaustive else (intervals, reason)
    free = unidentified(model, x, best)
    intervals[free] = -np.inf, np.inf
    named = " and ".join(np.array(model.parameters)[free])
    return intervals, f"{named}: not identified, the model can stay the same while they move" if named else reason


def _widened(x: FloatArray, intervals: FloatArray) -> FloatArray:
    """Intervals in which that of the last parameter, the place of a jump, covers the whole gap between two positions."""
    at = np.clip(np.searchsorted(x, intervals[-1]), 1, x.size - 1)
    ends = np.where(np.isfinite(intervals[-1]), [x[at[0] - 1], x[at[1]]], intervals[-1])
    return np.concatenate([intervals[:-1], ends[None]])


def _percentiles(model: CurveModel, draws: FloatArray, at_limit: np.ndarray, level: float) -> tuple[FloatArray, str]:
    # A disturbed curve without a best fit may lie at either end of every parameter, so the curve counts at both ends.
    lost = at_limit | ~np.isfinite(draws).all(axis=1)
    lower = central_interval(np.where(lost[:, None], -np.inf, draws).T, level)[:, 0]
    upper = central_interval(np.where(lost[:, None], np.inf, draws).T, level)[:, 1]
    intervals = np.stack([lower, upper], axis=1)
    return _unidentified(model, intervals)


def _unidentified(model: CurveModel, intervals: FloatArray) -> tuple[FloatArray, str]:
    """Make intervals infinite for parameters that cancel at a value inside the interval of another one, and say so."""
    if model.singular is not None:
        name, value = model.singular
        own = model.parameters.index(name)
        if intervals[own, 0] <= value <= intervals[own, 1]:
            others = np.arange(len(intervals)) != own
            intervals[others] = -np.inf, np.inf
            named = " and ".join(np.array(model.parameters)[others])
            return intervals, f"the {name}'s interval includes {value:g}: {named} are not identified"
    return intervals, without_end(model, intervals)
