"""The mean over seeds and its Student-t interval, and the exact interval of a share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.lift import lift
from memjax.checks.labelled import require_array, require_dim, require_fraction

__all__ = ["binomial_interval", "mean_and_error", "mean_interval", "student_interval", "student_quantile"]

FloatArray = npt.NDArray[np.float64]


def mean_interval(values: xr.DataArray, dim: str = "seed", level: float = 0.95) -> xr.Dataset:
    """Mean over a dimension with its two-sided Student-t interval.

    Non-finite values (diverged runs) are left out, and ``count`` says how many values remain. So if runs diverged, the mean
    is the mean of the survivors.

    Parameters
    ----------
    values
        Values, dimensions ``(..., dim)``.
    dim
        Dimension of the repeats, usually ``seed``.
    level
        Nominal coverage, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        ``mean`` float64 ``(...)``; ``mean_interval`` float64 ``(..., bound)``; ``count`` int64 ``(...)``, the number
        of finite values; ``reason`` str ``(...)``, empty when fine. One finite value gives its mean and a NaN interval.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray, ``dim`` is not one of its dimensions, or ``level`` is not in (0, 1).

    Notes
    -----
    The interval is mean ± t(count - 1, (1 + level)/2) s / sqrt(count), exact for independent normal repeats. An interval of
    skewed repeats holds the mean less often, nearly always because the interval lies below the mean. A nominal 95% interval
    of lognormal repeats holds the mean in 0.92 of cases if the standard deviation of the logarithm is 0.5, and in 0.82 (4
    seeds) or 0.83 (8 seeds) if the standard deviation is 1: take the logarithm of such values first. For an event that one
    run in ten has, the interval holds the share in 0.35 of cases (4 seeds) or 0.57 (8 seeds): use `share_interval`. The
    interval does not keep to the range of a bounded quantity.

    Examples
    --------
    >>> import xarray as xr
    >>> loss = xr.DataArray([1.0, 2.0, 3.0], dims="seed")
    >>> mean_interval(loss).mean_interval.values.round(3)
    array([-0.484,  4.484])
    >>> str(mean_interval(loss[:1]).reason.values)
    'one finite value: no interval'
    """
    require_array(values, "values")
    require_dim(values, dim, "dim")
    require_fraction(level, "level")
    outputs = {"mean": (), "mean_interval": ("bound",), "count": (), "reason": ()}
    result = lift(student_interval, values, [dim], outputs, level=level)
    for name in ("mean", "mean_interval"):
        result[name].attrs = dict(values.attrs)
    result.attrs = {"method": f"Student t over {dim}", "level": level}
    return result


def student_interval(values: FloatArray, level: float) -> tuple[FloatArray, FloatArray, np.ndarray, np.ndarray]:
    """Mean, interval, count and reason over the last axis of ``values``.

    Parameters
    ----------
    values
        float64 ``[..., S]``; non-finite entries are left out.
    level
        Nominal coverage, between 0 and 1.

    Returns
    -------
    mean, interval, count, reason
        ``[...]``, ``[..., 2]``, ``[...]`` and ``[...]``.

    Examples
    --------
    >>> import numpy as np
    >>> mean, interval, count, reason = student_interval(np.array([2.0, 2.0, np.nan]), level=0.95)
    >>> float(mean), interval, int(count)
    (2.0, array([2., 2.]), 2)
    """
    mean, error, count = mean_and_error(values)
    half = student_quantile(np.where(count > 1, count - 1.0, np.nan), level) * error
    reason = np.select([count == 0, count == 1], ["no finite value", "one finite value: no interval"], "")
    return mean, np.stack([mean - half, mean + half], axis=-1), count, reason


def mean_and_error(values: FloatArray) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Mean, standard error and count of the finite entries over the last axis.

    Parameters
    ----------
    values
        float64 ``[..., S]``.

    Returns
    -------
    mean, error, count
        Each ``[...]``. The mean of no entry is NaN, and so is the error of fewer than two entries.

    Examples
    --------
    >>> import numpy as np
    >>> mean, error, count = mean_and_error(np.array([1.0, 2.0, 3.0, np.nan]))
    >>> float(mean), round(float(error), 4), int(count)
    (2.0, 0.5774, 3)
    """
    finite = np.isfinite(values)
    count = finite.sum(axis=-1)
    mean = np.where(finite, values, 0.0).sum(axis=-1) / np.where(count > 0, count, np.nan)
    away = np.where(finite, values - mean[..., None], 0.0)
    # Values are scaled near 1 before they are squared: squares of values below 1e-162 would be zero, and the interval a point.
    # A power of two keeps all digits.
    power = np.frexp(np.abs(away).max(axis=-1, initial=0.0))[1]
    squares = (np.ldexp(away, -power[..., None]) ** 2).sum(axis=-1)
    variance = squares / np.where(count > 1, count - 1.0, np.nan)
    return mean, np.ldexp(np.sqrt(variance / np.maximum(count, 1)), power), count


def student_quantile(degrees: FloatArray, level: float) -> FloatArray:
    """Student's t: a variable lies in [-t, t] with probability ``level``.

    Parameters
    ----------
    degrees
        Degrees of freedom, float64 ``[...]``; NaN gives NaN.
    level
        Probability, between 0 and 1.

    Returns
    -------
    numpy.ndarray
        float64 ``[...]``.

    Examples
    --------
    >>> student_quantile(3.0, 0.95).round(3)
    np.float64(3.182)
    """
    # scipy.special gives the same quantile as scipy.stats, which takes a second to import.
    from scipy import special

    return special.stdtrit(degrees, (1.0 + level) / 2.0)


def binomial_interval(held: npt.ArrayLike, count: npt.ArrayLike, level: float) -> FloatArray:
    """Exact interval of a share, after Clopper and Pearson (1934).

    Parameters
    ----------
    held, count
        For how many of how many something holds, numbers ``[...]``.
    level
        Least coverage, between 0 and 1.

    Returns
    -------
    numpy.ndarray
        float64 ``[..., 2]``; NaN where ``count`` is 0.

    Examples
    --------
    >>> binomial_interval(3, 4, 0.95).round(3)
    array([0.194, 0.994])
    """
    from scipy.special import betaincinv

    held, count = np.asarray(held, np.float64), np.asarray(count, np.float64)
    tail = (1.0 - level) / 2.0
    # At a share of 0 or 1 one bound is the share itself, and the beta distribution of this bound does not exist.
    lower = np.where(held > 0, betaincinv(np.maximum(held, 1), count - held + 1, tail), 0.0)
    upper = np.where(held < count, betaincinv(held + 1, np.maximum(count - held, 1), 1.0 - tail), 1.0)
    return np.where(count[..., None] > 0, np.stack([lower, upper], axis=-1), np.nan)
