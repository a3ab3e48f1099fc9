"""Least squares for y = A x^B + C by variable projection.

Given B the model is linear, so A and C have a closed form and what is left is a search over the single number B
(Golub and Pereyra 1973, doi:10.1137/0710036). With z = log x, the regressor is exp(B z), or (exp(B z) - 1)/B when there
is an offset: the same plane of curves, and its limit z keeps the profile smooth through B = 0. In the shapes, M counts
curves fitted at once and n points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["EXPONENT_LIMIT", "best_exponent", "coefficients", "profile", "residual_sum"]

FloatArray = npt.NDArray[np.float64]

EXPONENT_LIMIT = 5.0
_GRID = np.linspace(-EXPONENT_LIMIT, EXPONENT_LIMIT, 201)
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
# 0.1 (two grid cells) times 0.618^50 is 3e-12, below what rounding in the residual can resolve.
_SECTIONS = 50


def residual_sum(log_x: FloatArray, y: FloatArray, exponent: FloatArray, offset: bool) -> FloatArray:
    """Return the residual sum of squares ``[M]`` of curves ``y [M, n]``, each with its own exponent ``[M]``."""
    unit = _unit_regressor(log_x, exponent, offset)
    centred = _centred(y) if offset else y
    residual = centred - unit * (unit * centred).sum(axis=-1, keepdims=True)
    return (residual**2).sum(axis=-1)


def profile(log_x: FloatArray, y: FloatArray, exponents: FloatArray, offset: bool) -> FloatArray:
    """Return the residual sum of squares ``[M, G]`` of curves ``y [M, n]`` at every one of ``exponents [G]``."""
    centred = _centred(y) if offset else y
    explained = (centred @ _unit_regressor(log_x, exponents, offset).T) ** 2
    return (centred**2).sum(axis=-1, keepdims=True) - explained


def best_exponent(log_x: FloatArray, y: FloatArray, offset: bool) -> FloatArray:
    """Return the least-squares exponent ``[M]`` of curves ``y [M, n]``, within +-EXPONENT_LIMIT.

    A grid finds the basin, since the profile of a noisy curve can have several, and a golden-section search the
    minimum in it.
    """
    index = profile(log_x, y, _GRID, offset).argmin(axis=-1)
    low, high = _GRID[np.maximum(index - 1, 0)], _GRID[np.minimum(index + 1, _GRID.size - 1)]
    for _ in range(_SECTIONS):
        inner_low, inner_high = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        below = residual_sum(log_x, y, inner_low, offset) < residual_sum(log_x, y, inner_high, offset)
        low, high = np.where(below, low, inner_low), np.where(below, inner_high, high)
    return (low + high) / 2.0


def coefficients(log_x: FloatArray, y: FloatArray, exponent: FloatArray, offset: bool) -> tuple[FloatArray, FloatArray]:
    """Return the least-squares amplitude and offset, each ``[M]``, of curves ``y [M, n]`` given exponents ``[M]``.

    With an offset and an exponent of 0 the two cancel without limit; both are then NaN.
    """
    power = np.exp(exponent[..., None] * log_x)
    if not offset:
        return (power * y).sum(axis=-1) / (power**2).sum(axis=-1), np.zeros_like(exponent)
    regressor = _centred(_regressor(log_x, exponent, offset))
    slope = (regressor * _centred(y)).sum(axis=-1) / (regressor**2).sum(axis=-1)
    amplitude = slope / np.where(np.abs(exponent) < 1e-8, np.nan, exponent)
    return amplitude, y.mean(axis=-1) - amplitude * power.mean(axis=-1)


def _regressor(log_x: FloatArray, exponent: FloatArray, offset: bool) -> FloatArray:
    scaled = exponent[..., None] * log_x
    if not offset:
        return np.exp(scaled)
    near_zero = np.abs(exponent[..., None]) < 1e-8
    return np.where(near_zero, log_x, np.expm1(scaled) / np.where(near_zero, 1.0, exponent[..., None]))


def _unit_regressor(log_x: FloatArray, exponent: FloatArray, offset: bool) -> FloatArray:
    regressor = _regressor(log_x, exponent, offset)
    regressor = _centred(regressor) if offset else regressor
    return regressor / np.sqrt((regressor**2).sum(axis=-1, keepdims=True))


def _centred(values: FloatArray) -> FloatArray:
    return values - values.mean(axis=-1, keepdims=True)
