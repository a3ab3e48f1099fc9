"""Test error of least squares without a ridge, for large data: isotropic inputs, and random ReLU features on a sphere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["random_features_risk", "ridgeless_risk"]

FloatArray = npt.NDArray[np.float64]

# relu(g) for a normal g: square of E[g relu(g)], and the variance that neither the mean nor that linear part has.
_LINEAR, _REST = 0.25, 0.25 - 1 / (2 * math.pi)
_ZETA = _LINEAR / _REST


def ridgeless_risk(ratio: Any, signal: Any = 1.0, noise: Any = 0.0) -> Any:
    """Excess test error of the least-norm least squares solution for isotropic inputs, when inputs and examples are many.

    Parameters
    ----------
    ratio
        Number of inputs over number of examples, g = p / n, more than 0; a number, an array or a DataArray.
    signal
        Squared norm r2 of the true coefficients, at least 0. Broadcasts against ``ratio``.
    noise
        Variance s2 of the noise of a target, at least 0. Broadcasts against ``ratio``.

    Returns
    -------
    float, numpy.ndarray or xarray.DataArray
        s2 g / (1 - g) below g = 1 and r2 (1 - 1/g) + s2 / (g - 1) above, without the noise of the test targets. At g = 1 this
        is infinite, or 0 without noise.

    Raises
    ------
    ValueError
        If a ratio is not positive, or a signal or a noise is negative.

    Notes
    -----
    T. Hastie, A. Montanari, S. Rosset, R. Tibshirani, "Surprises in high-dimensional ridgeless least squares interpolation"
    (2019, arXiv:1903.08560), Theorem 1: inputs have independent coordinates of variance 1, and n goes to infinity with g.

    Examples
    --------
    >>> ridgeless_risk([0.5, 0.9, 1.0, 1.1, 2.0], noise=0.1).round(3)
    array([0.1  , 0.9  ,   inf, 1.091, 0.6  ])
    """
    g, r2, s2 = (_checked(name, value) for name, value in {"ratio": ratio, "signal": signal, "noise": noise}.items())
    return xr.apply_ufunc(_isotropic, g, r2, s2)


def _isotropic(g: FloatArray, r2: FloatArray, s2: FloatArray) -> FloatArray:
    away = np.where(g == 1.0, np.nan, g)
    found = np.where(g < 1.0, s2 * away / (1 - away), r2 * (1 - 1 / away) + s2 / (away - 1))
    return np.where(g == 1.0, np.where(s2 > 0, np.inf, 0.0), found)


def random_features_risk(
    features: Any, examples: Any, signal: Any = 1.0, noise: Any = 0.0, nonlinear: Any = 0.0
) -> Any:
    """Excess test error of least-norm least squares on random ReLU features of inputs on a sphere, when all are many.

    Parameters
    ----------
    features
        Number of features over number of inputs, psi_1 = N / d, more than 0; a number, an array or a DataArray.
    examples
        Number of examples over number of inputs, psi_2 = n / d, more than 0. Broadcasts against ``features``.
    signal
        Squared norm F_1^2 of the coefficients of the linear part of the target, at least 0.
    noise
        Variance tau^2 of the noise of a target, at least 0.
    nonlinear
        Variance F_*^2 of the part of the target that is not linear, at least 0. This part acts as noise and is never learnt.

    Returns
    -------
    float, numpy.ndarray or xarray.DataArray
        The expected squared difference of the prediction and the true function; infinite at N = n.

    Raises
    ------
    ValueError
        If a ratio is not positive, or another number is negative.

    Notes
    -----
    S. Mei, A. Montanari, "The generalization error of random features regression" (2019, arXiv:1908.05355), in the limit of
    no ridge: d, N and n go to infinity together. Inputs x and weights theta are uniform on the sphere of radius sqrt(d) and
    features are relu(theta.x / sqrt(d)). With psi = min(psi_1, psi_2), z = mu_1^2 / mu_*^2 = 2.752 for ReLU,
    a = (psi - 1) z - 1, c = -(sqrt(a^2 + 4 z psi) + a) / (2 z) and u = c z, their polynomials factor into

        E_0 = (c^2 - psi_1 psi_2) (1 - u)^3 + 2 c u (1 - u) + (psi_1 + psi_2) u^2 (1 - u) + u^2 (1 + u)
        E_1 = -psi_2 (1 - u) (c u + psi_1)
        E_2 = -c^2 (1 - u)^3 - 2 c u (1 - u) - u^2 (1 + u) - psi_1 u^2 (1 - u)

    and the risk is F_1^2 E_1 / E_0 + (tau^2 + F_*^2) E_2 / E_0 + F_*^2.

    Examples
    --------
    >>> random_features_risk([0.5, 2.0, 3.0, 4.0, 30.0], 3.0, noise=0.25).round(3)
    array([0.86 , 1.185,   inf, 1.293, 0.152])
    """
    given = {"features": features, "examples": examples, "signal": signal, "noise": noise, "nonlinear": nonlinear}
    return xr.apply_ufunc(_on_a_sphere, *(_checked(name, value) for name, value in given.items()))


def _on_a_sphere(
    psi_1: FloatArray, psi_2: FloatArray, signal: FloatArray, noise: FloatArray, nonlinear: FloatArray
) -> FloatArray:
    psi = np.minimum(psi_1, psi_2)
    a = (psi - 1) * _ZETA - 1
    c = -(np.sqrt(a**2 + 4 * _ZETA * psi) + a) / (2 * _ZETA)
    u = c * _ZETA
    shared = c**2 * (1 - u) ** 3 + 2 * c * u * (1 - u) + u**2 * (1 + u)
    e_0 = shared - psi_1 * psi_2 * (1 - u) ** 3 + (psi_1 + psi_2) * u**2 * (1 - u)
    e_1 = -psi_2 * (1 - u) * (c * u + psi_1)
    e_2 = -shared - psi_1 * u**2 * (1 - u)
    # Rounding would leave a difference of 1e-13 of either sign where the sum is zero.
    scale = np.where(psi_1 == psi_2, np.nan, e_0)
    found = (signal * e_1 + (noise + nonlinear) * e_2) / scale + nonlinear
    return np.where(psi_1 == psi_2, np.inf, found)


def _checked(name: str, value: Any) -> Any:
    """The value as float64, with its labels."""
    found = value.astype(np.float64) if isinstance(value, xr.DataArray) else np.asarray(value, np.float64)
    positive = name in ("ratio", "features", "examples")
    if not bool((found > 0 if positive else found >= 0).all()):
        allowed = "positive numbers" if positive else "numbers of at least 0"
        raise ValueError(f"{name} is {value!r}: give {allowed}.")
    return found
