"""The power law y = A x^B + C of one curve given as an array of seeds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis._profile import EXPONENT_LIMIT, best_exponent, coefficients, residual_sum
from memjax.analysis._resampling import central_interval, student_means

__all__ = ["PowerLaw", "power_law_of_seeds"]

FloatArray = npt.NDArray[np.float64]

_UNBOUNDED = np.array([-np.inf, np.inf])


class PowerLaw(NamedTuple):
    """Parameters of y = amplitude x^exponent + offset, their intervals ``[2]``, and what is wrong with them."""

    amplitude: float = np.nan
    exponent: float = np.nan
    offset: float = np.nan
    r_squared: float = np.nan
    amplitude_interval: FloatArray = np.full(2, np.nan)
    exponent_interval: FloatArray = np.full(2, np.nan)
    offset_interval: FloatArray = np.full(2, np.nan)
    reason: str = ""


def power_law_of_seeds(
    values: FloatArray,
    x: FloatArray,
    *,
    offset: bool = False,
    level: float = 0.95,
    resamples: int = 1000,
    rng_seed: int = 0,
) -> PowerLaw:
    """Fit one curve given as an array of seeds.

    Parameters
    ----------
    values : numpy.ndarray
        float64 ``[S, n]``, S seeds at n positions; non-finite entries are left out.
    x : numpy.ndarray
        Positive positions, float64 ``[n]``.
    offset, level, resamples, rng_seed
        As in `fit_power_law`.

    Returns
    -------
    PowerLaw
        NaN with a reason where nothing can be fitted.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> round(float(power_law_of_seeds(3.0 * x[None] ** 0.5, x).exponent), 6)
    0.5
    """
    present = np.isfinite(values).any(axis=0)
    values, log_x = values[:, present], np.log(x[present])
    shift = log_x.mean() if log_x.size else 0.0
    count = np.isfinite(values).sum(axis=0)
    mean = np.where(np.isfinite(values), values, 0.0).sum(axis=0) / count
    if reason := _why_not(mean, log_x, offset):
        return PowerLaw(reason=reason)
    amplitude, exponent, constant = _least_squares(log_x - shift, mean[None], shift, offset)
    if abs(exponent[0]) > EXPONENT_LIMIT - 1e-6:
        return PowerLaw(reason=f"no least-squares exponent within +-{EXPONENT_LIMIT:g}")
    rss = residual_sum(log_x - shift, mean[None], exponent, offset)[0]
    law = PowerLaw(amplitude[0], exponent[0], constant[0], 1.0 - rss / ((mean - mean.mean()) ** 2).sum())
    if count.min() < 2:
        return law._replace(reason="one seed: no interval" if len(values) == 1 else "a position has only one seed")
    draws = _least_squares(log_x - shift, student_means(values, resamples, rng_seed), shift, offset)
    return _with_intervals(law, draws, level, offset)


def _why_not(mean: FloatArray, log_x: FloatArray, offset: bool) -> str:
    needed = 4 if offset else 3
    if np.unique(log_x).size < needed:
        return f"{np.unique(log_x).size} positions with finite values, at least {needed} needed"
    if np.ptp(mean) <= 8.0 * np.finfo(np.float64).eps * np.abs(mean).max():
        return "the curve is constant"
    return ""


def _least_squares(
    log_x: FloatArray, y: FloatArray, shift: float, offset: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    # log_x is centred by shift so that powers stay of order one; the amplitude is scaled back at the end.
    exponent = best_exponent(log_x, y, offset)
    amplitude, constant = coefficients(log_x, y, exponent, offset)
    return amplitude * np.exp(-exponent * shift), exponent, constant


def _with_intervals(
    law: PowerLaw, draws: tuple[FloatArray, FloatArray, FloatArray], level: float, offset: bool
) -> PowerLaw:
    amplitude, exponent, constant = draws
    at_limit = np.abs(exponent) > EXPONENT_LIMIT - 1e-6
    exponents = central_interval(np.where(at_limit, np.copysign(np.inf, exponent), exponent), level)
    law = law._replace(exponent_interval=exponents)
    if not offset:
        return law._replace(amplitude_interval=central_interval(amplitude, level), offset_interval=np.zeros(2))
    if exponents[0] <= 0.0 <= exponents[1] or not np.isfinite(exponents).all():
        reason = "the exponent's interval includes 0 or has no end: amplitude and offset are not identified"
        return law._replace(amplitude_interval=_UNBOUNDED, offset_interval=_UNBOUNDED, reason=reason)
    return law._replace(
        amplitude_interval=central_interval(amplitude, level), offset_interval=central_interval(constant, level)
    )
