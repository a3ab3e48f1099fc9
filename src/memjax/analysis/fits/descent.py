"""Least squares of many small problems at once, each inside a box of its own: Levenberg's and Marquardt's method.

Numbers are scaled so that every box is about one wide. Steps of derivatives and tolerances are shares of the width, and so
depend neither on a unit nor on the place of zero. In the shapes, B counts problems, q free numbers of a problem, n residuals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Descent", "descend"]

FloatArray = npt.NDArray[np.float64]

# Half the distance of central differences, chosen so that truncation and rounding make errors of about the same size.
_STEP = 3e-6
# A search ends if the next step promises to save no more than the first share of the squares, or moves no further than the
# second number.
_LEAST_GAIN, _LEAST_STEP = 1e-14, 1e-13
_MOST_DAMPING = 1e12


class Descent(NamedTuple):
    """Places ``[B, q]``, their sums of squares ``[B]``, and whether each search came to an end, ``bool[B]``."""

    place: FloatArray
    squares: FloatArray
    converged: np.ndarray


def descend(
    residuals: Callable[[FloatArray, np.ndarray], FloatArray],
    start: FloatArray,
    low: FloatArray,
    high: FloatArray,
    rounding: FloatArray,
    most_steps: int,
) -> Descent:
    """Minimise sums of squares from a start inside a box.

    Parameters
    ----------
    residuals
        From places ``[..., b, q]`` and the indices ``int[b]`` of the problems to residuals ``[..., b, n]``.
    start, low, high
        Starts and boxes ``[B, q]``.
    rounding
        Sums of squares ``[B]`` below which a fit counts as exact.
    most_steps
        Steps after which a search that has not converged ends.

    Returns
    -------
    Descent
        A minimum may lie at the edge of its box.

    Examples
    --------
    >>> ones = np.ones((1, 2))
    >>> found = descend(lambda at, rows: at - np.array([0.3, 2.0]), 0.5 * ones, 0.0 * ones, ones, np.zeros(1), 50)
    >>> found.place.round(6), found.converged
    (array([[0.3, 1. ]]), array([ True]))
    """
    place, everyone = start.copy(), np.arange(len(start))
    left = residuals(place, everyone)
    damping, converged = np.full(len(start), 1e-3), np.zeros(len(start), bool)
    squares = (left**2).sum(axis=-1)
    going = everyone
    for _ in range(most_steps):
        slopes = _slopes(residuals, place[going], low[going], high[going], going)
        step, gain = _step(place[going], low[going], high[going], left[going], slopes, damping[going])
        trial = place[going] + step
        new = residuals(trial, going)
        value = (new**2).sum(axis=-1)
        better = value < squares[going]
        rows = going[better]
        place[rows], left[rows], squares[rows] = trial[better], new[better], value[better]
        damping[going] *= np.where(better, 0.2, 5.0)
        done = (gain <= _LEAST_GAIN * squares[going]) | (np.abs(step).max(axis=-1) <= _LEAST_STEP)
        done |= (squares[going] <= rounding[going]) | (damping[going] > _MOST_DAMPING)
        converged[going[done]] = True
        going = going[~done]
        if not going.size:
            break
    return Descent(place, squares, converged)


def _slopes(
    residuals: Callable[[FloatArray, np.ndarray], FloatArray],
    place: FloatArray,
    low: FloatArray,
    high: FloatArray,
    rows: np.ndarray,
) -> FloatArray:
    """Derivatives ``[q, b, n]`` of the residuals, from inside the box, because the edge of the box may be a kink."""
    moves = _STEP * np.eye(place.shape[-1])[:, None]
    above, below = np.minimum(place + moves, high), np.maximum(place - moves, low)
    width = (above - below).sum(axis=-1)[..., None]
    difference = residuals(above, rows) - residuals(below, rows)
    return difference / np.where(width > 0.0, width, 1.0)


def _step(
    place: FloatArray, low: FloatArray, high: FloatArray, left: FloatArray, slopes: FloatArray, damping: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Steps ``[b, q]`` that stay in the boxes, and what undamped steps would save ``[b]`` in the linear approximation."""
    gradient = np.einsum("qbn,bn->bq", slopes, left)
    bend = np.einsum("qbn,pbn->bqp", slopes, slopes)
    # A number that lies at an edge and would leave the box is held there; the other numbers move as if it were a constant.
    held = ((place <= low) & (gradient >= 0.0)) | ((place >= high) & (gradient <= 0.0))
    size = np.diagonal(bend, axis1=-2, axis2=-1)
    held |= size <= 0.0
    free = ~held
    damped = np.where(free[:, :, None] & free[:, None, :], bend, 0.0)
    diagonal = np.arange(place.shape[-1])
    damped[:, diagonal, diagonal] = np.where(free, size * (1.0 + damping[:, None]), 1.0)
    wanted = -np.linalg.solve(damped, np.where(free, gradient, 0.0)[..., None])[..., 0]
    gain = -(np.where(free, gradient, 0.0) * wanted).sum(axis=-1) * (1.0 + damping)
    return np.clip(place + wanted, low, high) - place, gain
