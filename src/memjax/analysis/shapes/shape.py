"""Which shape a curve has, judged against the differences between its seeds.

Every judgement is a Student-t test on differences within a seed, so that effects which all positions of a seed share (its
data, its initial weights) cancel. An inverted U needs ONE position significantly above BOTH ends. This position is chosen
among n - 2, and four shapes are tried, so p-values are multiplied by 4 (n - 2) or 4 (Bonferroni). In the shapes, S counts
seeds and n positions; further axes lead.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memjax.analysis.base.intervals import mean_and_error, student_interval

__all__ = ["SHAPES", "is_flat", "reversal_p_value", "shape_of_values", "shape_p_values"]

FloatArray = npt.NDArray[np.float64]

SHAPES = ("rising", "falling", "inverted U", "U")


def shape_p_values(values: FloatArray) -> FloatArray:
    """Bonferroni-adjusted p-value of each shape.

    Parameters
    ----------
    values
        float64 ``[..., S, n]`` at n ascending positions; NaN where a run diverged.

    Returns
    -------
    numpy.ndarray
        ``[..., 4]``, one p-value per entry of ``SHAPES``, in [0, 1]; NaN with fewer than two seeds or too few positions.

    Examples
    --------
    >>> import numpy as np
    >>> p = shape_p_values(np.array([[1.0, 5.0, 2.0], [1.1, 5.2, 2.0], [0.9, 5.1, 2.1]]))
    >>> dict(zip(SHAPES, p.round(4).tolist()))["inverted U"]
    0.0009
    """
    inner, first, last = values[..., 1:-1], values[..., :1], values[..., -1:]
    above = np.maximum(_one_sided(inner - first), _one_sided(inner - last))
    below = np.maximum(_one_sided(first - inner), _one_sided(last - inner))
    rise, fall = _one_sided(last - first)[..., 0], _one_sided(first - last)[..., 0]
    return np.minimum(1.0, len(SHAPES) * np.stack([rise, fall, _smallest(above), _smallest(below)], axis=-1))


def is_flat(values: FloatArray, within: float, level: float) -> np.ndarray:
    """Say whether every position is shown to lie within a fraction of the overall mean.

    Parameters
    ----------
    values
        float64 ``[..., S, n]``; seeds with missing values are left out.
    within
        Largest deviation that still counts as flat, as a fraction of the absolute overall mean.
    level
        Simultaneous coverage (Bonferroni over positions) of the intervals of the deviations.

    Returns
    -------
    numpy.ndarray
        bool ``[...]``: True if all intervals lie within the deviation; False otherwise, and for fewer than two complete seeds.

    Examples
    --------
    >>> import numpy as np
    >>> bool(is_flat(np.array([[1.0, 1.01, 1.0], [1.02, 1.01, 1.01], [0.99, 1.0, 1.0]]), within=0.1, level=0.95))
    True
    """
    complete = np.isfinite(values).all(axis=-1, keepdims=True)
    kept = np.where(complete, values, np.nan)
    overall = mean_and_error(kept.reshape(*kept.shape[:-2], -1))[0]
    deviation = np.where(complete, values - np.where(complete, values, 0.0).mean(axis=-1, keepdims=True), np.nan)
    adjusted = 1.0 - (1.0 - level) / values.shape[-1]
    bounds = student_interval(np.swapaxes(deviation, -1, -2), adjusted)[1]
    inside = np.abs(bounds) <= within * np.abs(overall)[..., None, None]
    return inside.all(axis=(-2, -1)) & (values.shape[-1] >= 2)


def reversal_p_value(values: FloatArray, shape: np.ndarray, turn: np.ndarray) -> FloatArray:
    """Adjusted p-value of a move against the direction of a shape.

    On each branch the largest such move of the mean curve is tested. Its p-value is multiplied by the number of pairs of
    positions that the move was chosen from, and by 2 for the branches.

    Parameters
    ----------
    values
        float64 ``[M, S, n]``.
    shape
        Entries of ``SHAPES``, ``[M]``; other words have no direction.
    turn
        Index of the turn of a U or an inverted U, ``[M]``.

    Returns
    -------
    numpy.ndarray
        ``[M]``, 1 if there is no move to test.

    Examples
    --------
    >>> import numpy as np
    >>> noise = 0.01 * np.arange(3)[:, None] * np.array([1.0, -1.0, 2.0, 0.0, 1.0])
    >>> twice = np.array([1.0, 5.0, 1.0, 5.0, 2.0]) + noise
    >>> bool(reversal_p_value(twice[None], np.array(["inverted U"]), np.array([3]))[0] < 0.01)
    True
    """
    place, n = np.arange(values.shape[-1]), values.shape[-1]
    turned = np.isin(shape, ("inverted U", "U"))
    first = np.where(np.isin(shape, ("rising", "inverted U")), 1.0, -1.0)
    ends = np.where(turned, turn, n - 1)[:, None]
    p = np.minimum(
        _against(values, first, place <= ends), np.where(turned, _against(values, -first, place >= ends), 1.0)
    )
    return np.where(np.isin(shape, SHAPES), np.minimum(1.0, 2.0 * p), 1.0)


def _against(values: FloatArray, sign: FloatArray, inside: np.ndarray) -> FloatArray:
    """P-value ``[M]`` of the largest fall of ``sign`` times the mean over the positions inside ``[M, n]``."""
    directed, rows = sign[:, None, None] * values, np.arange(len(values))
    mean = np.where(inside, mean_and_error(np.swapaxes(directed, -1, -2))[0], -np.inf)
    highest = np.maximum.accumulate(mean, axis=1)
    low = np.where(inside, highest - np.where(inside, mean, 0.0), -np.inf).argmax(axis=1)
    high = (mean == highest[rows, low][:, None]).argmax(axis=1)
    p = _one_sided((directed[rows, :, high] - directed[rows, :, low])[..., None])[:, 0]
    pairs = inside.sum(axis=1) * (inside.sum(axis=1) - 1.0) / 2.0
    return np.where(np.isfinite(p) & (high < low), np.minimum(1.0, pairs * p), 1.0)


def shape_of_values(mean: FloatArray) -> str:
    """Name the shape that a curve ``[n]`` has when its values are taken at face value, without noise.

    Examples
    --------
    >>> import numpy as np
    >>> shape_of_values(np.array([1.0, 3.0, 2.0]))
    'inverted U'
    """
    ends = mean[0], mean[-1]
    above, below = mean.max() > max(ends), mean.min() < min(ends)
    if above and below:
        return "up and down more than once"
    if above or below:
        return "inverted U" if above else "U"
    if ends[0] == ends[1]:
        return "flat"
    return "rising" if ends[1] > ends[0] else "falling"


def _one_sided(differences: FloatArray) -> FloatArray:
    """P-value ``[..., n]`` of each column of ``[..., S, n]`` having a mean above zero."""
    from scipy import special

    mean, error, count = mean_and_error(np.swapaxes(differences, -1, -2))
    degrees = np.where(count > 1, count - 1.0, np.nan)
    p = special.stdtr(degrees, -mean / np.where(error > 0.0, error, 1.0))
    # If seeds agree exactly there is no noise: a difference other than zero is then certain.
    return np.where(error == 0.0, np.where(mean > 0.0, 0.0, 1.0), p)


def _smallest(p: FloatArray) -> FloatArray:
    if p.shape[-1] == 0:
        return np.full(p.shape[:-1], np.nan)
    known = np.isfinite(p)
    smallest = np.where(known, p, np.inf).min(axis=-1)
    return np.where(known.any(axis=-1), smallest * p.shape[-1], np.nan)
