"""Profile likelihood: how much worse the best fit becomes when one parameter is held at another value.

With independent normal noise of one variance (times known weights), the values of a parameter at which the residual sum
of squares exceeds its minimum by less than s^2 F(1, nu) are its interval (Bates and Watts 1988, Nonlinear Regression
Analysis and Its Applications, section 6.1). s^2 comes from the seeds, or from the residuals if there is one seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis.base.noise import spread
from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.parameter_steps import parameter_steps

__all__ = [
    "Problem",
    "constrained",
    "moved",
    "problem_of",
    "profile_interval",
    "squares_of",
    "threshold",
    "unidentified",
    "without_end",
]

FloatArray = npt.NDArray[np.float64]

# The last step is ten million standard errors away: a parameter that may lie so far away is not identified.
_STEPS, _GROWTH = 40, 1.5


class Problem(NamedTuple):
    """A fitted curve.

    Attributes
    ----------
    model, y, x
        The model, the mean ``[n]`` that it was fitted to, and the positions ``[n]``.
    root
        Root of weight over noise variance, ``[n]``.
    best
        Parameters ``[p]``.
    degrees
        Degrees of freedom of the noise.
    """

    model: CurveModel
    y: FloatArray
    x: FloatArray
    root: FloatArray
    best: FloatArray
    degrees: float


def problem_of(
    model: CurveModel, values: FloatArray, x: FloatArray, weights: FloatArray, best: FloatArray
) -> Problem | None:
    """Problem of one curve ``[S, n]`` fitted with weights ``[n]``; None if there is no noise to judge by."""
    found = spread(values[None])
    mean, degrees = found.mean[0], float(found.degrees[0])
    if degrees > 0:
        # Weighted by seed spread, a position's variance is in proportion to count over weight.
        squares = np.where(np.isfinite(values), values - mean, 0.0) ** 2 * weights / found.counts[0]
    else:
        squares, degrees = weights * (model.function(x, *best) - mean) ** 2, float(x.size - best.size)
    variance = squares.sum() / degrees if degrees > 0 else np.nan
    return Problem(model, mean, x, np.sqrt(weights / variance), best, degrees) if variance > 0.0 else None


def profile_interval(problem: Problem, level: float) -> tuple[FloatArray, str]:
    """Profile intervals ``[p, 2]``, infinite where the profile never rises far enough, and a mask of the infinite ones."""
    highest = squares_of(problem, problem.best) + threshold(problem, level)
    ends = [[_crossing(problem, j, side, highest) for side in (-1.0, 1.0)] for j in range(problem.best.size)]
    return np.array(ends), without_end(problem.model, np.array(ends))


def without_end(model: CurveModel, intervals: FloatArray) -> str:
    """Which of the intervals ``[p, 2]`` have no end, in words; empty if all have an end."""
    names = [name for name, ends in zip(model.parameters, intervals, strict=True) if not np.isfinite(ends).all()]
    return f"the interval of {' and '.join(names)} has no end: not identified" if names else ""


def threshold(problem: Problem, level: float) -> float:
    """How far the residual sum of squares may rise, in units of the noise variance: the F quantile."""
    from scipy.special import fdtri

    return float(fdtri(1.0, problem.degrees, level))


def squares_of(problem: Problem, parameters: FloatArray) -> float:
    """Residual sum of squares in units of the noise variance; infinite if the model is infinite."""
    with np.errstate(all="ignore"):
        total = ((problem.root * (problem.model.function(problem.x, *parameters) - problem.y)) ** 2).sum()
    return float(total) if np.isfinite(total) else np.inf


def constrained(problem: Problem, start: FloatArray, fixed: int) -> FloatArray:
    """Least squares over all parameters but number ``fixed``, which stays as in ``start``; NaN if the search fails."""
    from scipy.optimize import least_squares

    free = np.arange(start.size) != fixed
    # scipy's steps are absolute below 1: the search runs in numbers near 1, whatever the units of the parameters.
    scale = 1e6 * parameter_steps(problem.model.function, problem.x, problem.best, np.abs(problem.y).max())[free]

    def residuals(part: FloatArray) -> FloatArray:
        full = start.copy()
        full[free] = scale * part
        gap = problem.root * (problem.model.function(problem.x, *full) - problem.y)
        return np.where(np.isfinite(gap), gap, 1e150)

    full = start.copy()
    if free.any() and np.isfinite(start).all():
        try:
            with np.errstate(all="ignore"):
                found = least_squares(residuals, start[free] / scale, x_scale="jac", xtol=1e-10, ftol=1e-10, gtol=None)
            full[free] = scale * found.x
        except (ValueError, np.linalg.LinAlgError):
            full[free] = np.nan
    return full


def _crossing(problem: Problem, j: int, side: float, highest: float) -> float:
    """Value of parameter ``j``, on one side of the best fit, at which the profile reaches ``highest``, or infinity."""
    from scipy.optimize import brentq

    inside = problem.best
    for value in _outwards(problem, j, side):
        full = constrained(problem, moved(problem, inside, j, value), j)
        if np.isnan(full).any():
            # Where the search breaks down nothing is known of the profile beyond: it has no end.
            break
        if squares_of(problem, full) > highest:
            below, near = inside[j], inside

            def excess(at: float, near: FloatArray = near) -> float:
                start = moved(problem, near, j, at)
                return min(squares_of(problem, constrained(problem, start, j)), 1e12 + highest) - highest

            return float(brentq(excess, below, value, xtol=1e-8 * abs(value - below) + 1e-300))
        inside = full
    return float(np.copysign(np.inf, side))


def moved(problem: Problem, near: FloatArray, j: int, value: float) -> FloatArray:
    """Start for parameter ``j`` at ``value``, along the ridge: on the line through the best fit and a solution near it."""
    best = problem.best
    share = (value - best[j]) / (near[j] - best[j]) if near[j] != best[j] else 1.0
    start = best + share * (near - best)
    start[j] = value
    return start


def _outwards(problem: Problem, j: int, side: float) -> Iterator[float]:
    """Ever larger distances of parameter ``j`` from the best fit, beginning near one standard error."""
    step = _standard_error(problem, j)
    return (problem.best[j] + side * step * _GROWTH**k for k in range(_STEPS))


def _derivatives(model: CurveModel, x: FloatArray, best: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Central differences ``[n, p]`` of the model in its parameters, and their steps ``[p]``."""
    with np.errstate(all="ignore"):
        sizes = parameter_steps(model.function, x, best, np.abs(model.function(x, *best)).max())
        columns = [
            (model.function(x, *(best + step)) - model.function(x, *(best - step))) / (2.0 * step.sum())
            for step in np.diag(sizes)
        ]
    return np.stack([np.broadcast_to(column, x.shape) for column in columns], axis=1), sizes


def unidentified(model: CurveModel, x: FloatArray, best: FloatArray) -> np.ndarray:
    """Which parameters ``bool[p]`` can move without any change of the model at the positions, to first order."""
    columns = _derivatives(model, x, best)[0]
    if not np.isfinite(columns).all():
        return np.zeros(best.size, bool)
    lengths = np.sqrt((columns**2).sum(axis=0))
    _, singular, directions = np.linalg.svd(columns / np.where(lengths > 0.0, lengths, 1.0))
    # Differences are accurate to about 1e-9: a direction that counts for less than this does nothing.
    null = np.concatenate([singular, np.zeros(best.size - singular.size)]) <= 1e-7 * singular.max()
    return (np.abs(directions[null]) > 1e-3).any(axis=0)


def _standard_error(problem: Problem, j: int) -> float:
    """Standard error of parameter ``j``, by the linear approximation at the best fit."""
    columns, sizes = _derivatives(problem.model, problem.x, problem.best)
    columns = problem.root[:, None] * columns
    if not np.isfinite(columns).all():
        return float(sizes[j])
    # Columns are scaled to one length: the cut-off of pinv would take a column in a small unit for one that does nothing.
    lengths = np.sqrt((columns**2).sum(axis=0))
    columns = columns / np.where(lengths > 0.0, lengths, 1.0)
    error = float(np.sqrt(max(np.linalg.pinv(columns.T @ columns)[j, j], 0.0)) / (lengths[j] or 1.0))
    return error if error > 0.0 and np.isfinite(error) else float(sizes[j])
