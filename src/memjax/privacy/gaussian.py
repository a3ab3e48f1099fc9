"""The Gaussian mechanism in closed form: a sum of sensitivity 1 that is released with normal noise of deviation 1 / mu."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from memjax.privacy.arguments import Numbers, not_negative, positive, shares

__all__ = ["gaussian_advantage", "gaussian_composition", "gaussian_delta", "gaussian_epsilon", "gaussian_power"]


def gaussian_composition(noise_multiplier: Numbers, steps: Numbers) -> Any:
    """Mu of several releases of a sum together: ``sqrt(steps) / noise_multiplier``.

    Parameters
    ----------
    noise_multiplier
        Deviation of the noise of each release over the sensitivity of the sum, of any shape.
    steps
        Number of releases.

    Returns
    -------
    float or array
        mu, of the shape that both have together. All examples take part in every release; for Poisson batches there is no
        closed form.

    Raises
    ------
    InputError
        If a value is not finite and more than 0.

    Notes
    -----
    J. Dong, A. Roth and W. J. Su, "Gaussian differential privacy" (2022, arXiv:1905.02383), section 3: the composition of
    mechanisms of mu_1, mu_2, ... is one of ``sqrt(mu_1^2 + mu_2^2 + ...)``.

    Examples
    --------
    >>> float(gaussian_composition(20.0, 100))
    0.5
    """
    positive("noise_multiplier", noise_multiplier)
    positive("steps", steps)
    return np.sqrt(steps) / noise_multiplier


def gaussian_delta(mu: Numbers, epsilon: Numbers) -> Any:
    """Smallest delta with which the Gaussian mechanism is (epsilon, delta)-private.

    Parameters
    ----------
    mu
        Sensitivity over the deviation of the noise, of any shape.
    epsilon
        Bound of the logarithm of the ratio of probabilities, in nats, finite and at least 0.

    Returns
    -------
    float or array
        ``Phi(-epsilon / mu + mu / 2) - e^epsilon Phi(-epsilon / mu - mu / 2)``.

    Raises
    ------
    InputError
        If mu is not finite and more than 0, or epsilon is not finite and at least 0.

    Notes
    -----
    B. Balle and Y.-X. Wang, "Improving the Gaussian mechanism for differential privacy" (ICML 2018, arXiv:1805.06530),
    theorem 8.

    Examples
    --------
    >>> round(float(gaussian_delta(1.0, 4.377)), 8)
    1.001e-05
    """
    positive("mu", mu)
    not_negative("epsilon", epsilon, finite=True)
    return np.exp(_log_delta(mu, epsilon))


def _log_delta(mu: Any, epsilon: Any) -> Any:
    """Logarithm of delta; the difference of two close numbers is taken of their logarithms."""
    from scipy.special import log_ndtr

    with_example = log_ndtr(-epsilon / mu + mu / 2)
    without = log_ndtr(-epsilon / mu - mu / 2)
    # Where both are far below the smallest number, rounding may turn their order round.
    ratio = np.minimum(epsilon + without - with_example, -1e-300)
    return with_example + np.log(-np.expm1(ratio))


def gaussian_epsilon(mu: Numbers, delta: Numbers) -> Any:
    """Smallest epsilon with which the Gaussian mechanism is (epsilon, delta)-private.

    Parameters
    ----------
    mu
        Sensitivity over the deviation of the noise, of any shape.
    delta
        More than 0 and at most 1.

    Returns
    -------
    float or array
        epsilon in nats; 0 where delta alone is enough. `gaussian_delta` gives delta back to a relative 1e-9.

    Raises
    ------
    InputError
        If mu or delta is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> gaussian_epsilon(np.array([0.25, 0.5, 1.0, 2.0, 3.0]), 1e-5).round(3)
    array([ 0.926,  1.993,  4.377,  9.997, 16.675])
    """
    positive("mu", mu)
    shares("delta", delta)
    positive("delta", delta)
    return xr.apply_ufunc(np.vectorize(_epsilon, otypes=[np.float64]), mu, delta)[()]


def _epsilon(mu: float, delta: float) -> float:
    from scipy.optimize import brentq

    def above(epsilon: float) -> float:
        return float(_log_delta(mu, epsilon) - np.log(delta))

    if above(0.0) <= 0:
        return 0.0
    high = 1.0
    while above(high) > 0:
        high *= 2
    return float(brentq(above, 0.0, high, xtol=1e-12, rtol=1e-12))


def gaussian_power(mu: Numbers, fpr: Numbers) -> Any:
    """Largest true positive rate of any test between the Gaussian mechanism with an example and without the example.

    Parameters
    ----------
    mu
        Sensitivity over the deviation of the noise, of any shape.
    fpr
        False positive rate, from 0 to 1.

    Returns
    -------
    float or array
        ``Phi(Phi^-1(fpr) + mu)``: one minus the trade-off function of Dong, Roth and Su (2022, arXiv:1905.02383).

    Raises
    ------
    InputError
        If mu or fpr is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> gaussian_power(1.0, np.array([0.01, 0.001])).round(4)
    array([0.0924, 0.0183])
    """
    from scipy.special import ndtr, ndtri

    positive("mu", mu)
    shares("fpr", fpr)
    return ndtr(ndtri(fpr) + mu)


def gaussian_advantage(mu: Numbers) -> Any:
    """Largest difference of the true and the false positive rate of any test: ``2 Phi(mu / 2) - 1``.

    Parameters
    ----------
    mu
        Sensitivity over the deviation of the noise, of any shape.

    Returns
    -------
    float or array
        The advantage, which also bounds memorisation scores; see `memjax.privacy.memorization_bound` for the sensitivity
        that these need.

    Raises
    ------
    InputError
        If mu is not finite and more than 0.

    Examples
    --------
    >>> round(float(gaussian_advantage(1.0)), 4)
    0.3829
    """
    from scipy.special import ndtr

    positive("mu", mu)
    return 2 * ndtr(mu / 2) - 1
