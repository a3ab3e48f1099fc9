"""Intervals for any function of the mean curve, from few seeds.

With S = 4 seeds the percentile bootstrap is far too narrow: the resampled mean has the variance (S - 1)/S s^2/S and no
heavier tail than a normal variable. Here the mean curve is instead disturbed along the deviations of the seeds, with
Student tails,

    mean* = mean + sum_s g_s (y_s - mean) / sqrt(S (S - 1)) / sqrt(chi2_{S-1} / (S - 1)),   g_s ~ N(0, 1),

so that the percentile interval of every linear function of the curve is exactly its Student-t interval, whatever the
correlation between points, and an interval for a nonlinear parameter follows the parameter's own scale. In the
shapes, S counts seeds, n points and R draws.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["central_interval", "student_means"]

FloatArray = npt.NDArray[np.float64]


def student_means(values: FloatArray, resamples: int, rng_seed: int) -> FloatArray:
    """Mean curves ``[R, n]`` drawn around the mean of ``values [S, n]`` with Student-t spread.

    Missing seeds (NaN) are left out point by point. The degrees of freedom come from the point with the fewest seeds, which
    must have at least 2.
    """
    rng = np.random.default_rng(rng_seed)
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    mean = np.where(finite, values, 0.0).sum(axis=0) / count
    deviation = np.where(finite, values - mean, 0.0) / np.sqrt(count * (count - 1.0))
    degrees = count.min() - 1
    scale = np.sqrt(rng.chisquare(degrees, (resamples, 1)) / degrees)
    return mean + (rng.standard_normal((resamples, len(values))) @ deviation) / scale


def central_interval(draws: FloatArray, level: float) -> FloatArray:
    """Order statistics ``[..., 2]`` around the central ``level`` of ``draws [..., R]``, rounded outward.

    No interpolation: a draw may be infinite.
    """
    ordered = np.sort(draws, axis=-1)
    tail = (1.0 - level) / 2.0 * (draws.shape[-1] - 1)
    lower = int(np.floor(tail))
    return ordered[..., [lower, draws.shape[-1] - 1 - lower]]
