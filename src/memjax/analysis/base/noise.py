"""The noise between seeds: its size at each position, and what is left once the level of each seed is removed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Spread", "remove_seed_effects", "patterns", "seed_weights", "spread"]

FloatArray = npt.NDArray[np.float64]

# The logarithm of a variance from four seeds has a standard deviation of 1. So the logarithm is drawn towards the mean
# logarithm, as if two more seeds had the mean: a position with little noise by luck does not take the whole weight, and
# differences of decades in the noise still count.
_PRIOR_DEGREES = 2.0
_SMALLEST_SHARE = 1e-6
_SWEEPS = 200


class Spread(NamedTuple):
    """Mean ``[M, n]`` and counts ``[M, n]`` of the seeds, their sum of squares around it and its degrees of freedom ``[M]``."""

    mean: FloatArray
    counts: FloatArray
    within: FloatArray
    degrees: FloatArray

    @property
    def variance(self) -> FloatArray:
        """Pooled variance ``[M]`` of one seed; NaN without a second seed anywhere."""
        return self.within / np.where(self.degrees > 0, self.degrees, np.nan)


def spread(values: FloatArray, shared: FloatArray | int = 0) -> Spread:
    """Mean over seeds and pooled noise of curves ``[M, S, n]``; non-finite entries are left out.

    Parameters
    ----------
    values
        Curves ``[M, S, n]`` with a finite entry at every position.
    shared
        Degrees of freedom ``[M]`` spent on the levels of the seeds, as `remove_seed_effects` counts them.

    Returns
    -------
    Spread
        Mean and noise of every curve.

    Examples
    --------
    >>> import numpy as np
    >>> found = spread(np.array([[[1.0, 2.0], [3.0, 2.0]]]))
    >>> found.mean[0], found.variance
    (array([2., 2.]), array([1.]))
    """
    finite = np.isfinite(values)
    count = finite.sum(axis=1).astype(float)
    mean = np.where(finite, values, 0.0).sum(axis=1) / count
    within = (np.where(finite, values - mean[:, None], 0.0) ** 2).sum(axis=(1, 2))
    return Spread(mean, count, within, (count - 1.0).sum(axis=1) - shared)


def remove_seed_effects(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Remove the level of each seed, which all positions of the seed share, and count the degrees of freedom ``[M]`` spent.

    The levels are the effects of the seeds in the additive model of seed and position, by least squares over the finite
    values. The levels sum to zero. A seed without any finite value has no level and costs no degree of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> levelled, shared = remove_seed_effects(np.array([[[1.0, 2.0, 3.0], [11.0, 12.0, 13.0]]]))
    >>> levelled[0], shared
    (array([[6., 7., 8.],
           [6., 7., 8.]]), array([1.]))
    """
    finite = np.isfinite(values)
    present = finite.any(axis=2)
    seeds = present.sum(axis=1)
    several = (seeds > 1) & (finite.sum(axis=2).max(axis=1) > 1)
    level = np.zeros(present.shape)
    # Subtracts means of columns and of rows in turn: exact at once if no value is missing, otherwise ever closer.
    for _ in range(1 if finite.all() else _SWEEPS):
        column = _means(values - level[..., None], finite, 1)
        level = _means(values - column[:, None], finite, 2)
        level = np.where(present, level - (level.sum(axis=1) / np.maximum(seeds, 1))[:, None], 0.0)
    return values - np.where(several[:, None], level, 0.0)[..., None], np.where(several, seeds - 1.0, 0.0)


def _means(values: FloatArray, finite: np.ndarray, axis: int) -> FloatArray:
    """Means of the finite entries along an axis; 0 where no entry is finite."""
    return np.asarray(np.where(finite, values, 0.0).sum(axis=axis) / np.maximum(finite.sum(axis=axis), 1))


def seed_weights(values: FloatArray) -> FloatArray:
    """Weights ``[M, n]`` around 1: number of seeds over variance, with the variance drawn towards the geometric mean.

    Examples
    --------
    >>> import numpy as np
    >>> seed_weights(np.array([[[1.0, 10.0], [3.0, 30.0]]])).round(2)
    array([[1.65, 0.35]])
    """
    found = spread(values)
    finite = np.isfinite(values)
    squares = (np.where(finite, values - found.mean[:, None], 0.0) ** 2).sum(axis=1)
    degrees = found.counts - 1.0
    plain = found.counts / found.counts.mean(axis=1, keepdims=True)
    noisy = np.asarray(found.variance > 0.0)[:, None]
    floor = np.where(noisy, _SMALLEST_SHARE * found.variance[:, None], 1.0)
    logarithm = np.log(np.maximum(squares / np.maximum(degrees, 1.0), floor))
    middle = (degrees * logarithm).sum(axis=1, keepdims=True) / np.maximum(degrees.sum(axis=1, keepdims=True), 1.0)
    drawn = (degrees * logarithm + _PRIOR_DEGREES * middle) / (degrees + _PRIOR_DEGREES)
    weights = found.counts * np.exp(middle - drawn)
    return np.where(noisy, weights / weights.mean(axis=1, keepdims=True), plain)


def patterns(present: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Groups of curves that have the same positions: the indices of the curves, and the mask ``[n]`` of the positions.

    Examples
    --------
    >>> import numpy as np
    >>> [(rows.tolist(), at.tolist()) for rows, at in patterns(np.array([[True, True], [True, False], [True, True]]))]
    [([1], [True, False]), ([0, 2], [True, True])]
    """
    masks, which = np.unique(present, axis=0, return_inverse=True)
    return [(np.flatnonzero(which.ravel() == i), mask) for i, mask in enumerate(masks)]
