"""The built-in models of curves, each with the grid and the columns of its fit.

Columns are centred and scaled so that regressors stay of order one also for a shape at the edge of its grid. A power is taken
of x over its geometric mean. Beside an offset, (x^B - 1)/B stands for x^B: both span the same plane of curves, and the limit
log x keeps the profile smooth through B = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from memjax.analysis.fits.curve_models import CurveModel, Separable

__all__ = ["EXPONENT_LIMIT", "LAWS"]

FloatArray = npt.NDArray[np.float64]

EXPONENT_LIMIT = 5.0
_EXPONENTS = np.linspace(-EXPONENT_LIMIT, EXPONENT_LIMIT, 201)[:, None]
_COARSE = np.linspace(-EXPONENT_LIMIT, EXPONENT_LIMIT, 17)
# exp(700) is near the largest float64. Amplitudes are stated at x = 0, which may lie far outside of the data.
_LARGEST_EXPONENT = 600.0


def _stack(*parts: npt.ArrayLike) -> FloatArray:
    return np.stack(np.broadcast_arrays(*parts), axis=-1)


def _centred_log(x: FloatArray) -> tuple[FloatArray, float]:
    log_x = np.log(x)
    return log_x - log_x.mean(), float(log_x.mean())


def _relative(growth: FloatArray, rate: FloatArray) -> FloatArray:
    """(exp(growth) - 1)/rate with growth = rate u; u, the limit, where the rate vanishes."""
    small = np.abs(rate) < 1e-8
    return np.expm1(growth) / np.where(small, np.nan, rate)


def _power_columns(x: FloatArray, shape: FloatArray) -> FloatArray:
    return np.exp(shape * _centred_log(x)[0])[..., None]


def _power_parameters(x: FloatArray, shape: FloatArray, coefficients: FloatArray) -> FloatArray:
    exponent = shape[..., 0]
    return _stack(coefficients[..., 0] * np.exp(-exponent * _centred_log(x)[1]), exponent)


def _offset_power_columns(x: FloatArray, shape: FloatArray) -> FloatArray:
    z = _centred_log(x)[0]
    near_zero = np.abs(shape) < 1e-8
    return _stack(1.0, np.where(near_zero, z, _relative(shape * z, shape)))


def _offset_power_parameters(x: FloatArray, shape: FloatArray, coefficients: FloatArray) -> FloatArray:
    exponent = shape[..., 0]
    # At an exponent of 0 amplitude and offset cancel without limit, so neither has a value.
    ratio = coefficients[..., 1] / np.where(np.abs(exponent) < 1e-8, np.nan, exponent)
    return _stack(ratio * np.exp(-exponent * _centred_log(x)[1]), exponent, coefficients[..., 0] - ratio)


def _broken_grid(x: FloatArray) -> FloatArray:
    z = _centred_log(x)[0]
    knees = np.unique(np.concatenate([z[1:-1], (z[1:-2] + z[2:-1]) / 2.0]))
    return np.stack(np.meshgrid(knees, _COARSE, _COARSE, indexing="ij"), axis=-1).reshape(-1, 3)


def _broken_columns(x: FloatArray, shape: FloatArray) -> FloatArray:
    beyond = _centred_log(x)[0] - shape[..., :1]
    exponent = np.where(beyond < 0.0, shape[..., 1:2], shape[..., 2:])
    return np.exp(np.clip(exponent * beyond, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))[..., None]


def _broken_parameters(x: FloatArray, shape: FloatArray, coefficients: FloatArray) -> FloatArray:
    return _stack(coefficients[..., 0], np.exp(shape[..., 0] + _centred_log(x)[1]), shape[..., 1], shape[..., 2])


def _along(x: FloatArray) -> FloatArray:
    """Positions from 0 to 1, so that rates are of order one whatever the units of x."""
    return (x - x[0]) / (x[-1] - x[0])


def _rates(x: FloatArray) -> FloatArray:
    """Rates ``[G]`` per range of x: the lowest bends the curve by a hundredth, the highest decays within one gap."""
    return np.geomspace(0.01, 5.0 / np.diff(_along(x)).min(), 120)


def _exponential_grid(x: FloatArray) -> FloatArray:
    rates = _rates(x)
    return np.concatenate([-rates[::-1], rates])[:, None]


def _exponential_columns(x: FloatArray, shape: FloatArray) -> FloatArray:
    return np.exp(shape * (_along(x) - np.where(shape > 0.0, 1.0, 0.0)))[..., None]


def _exponential_parameters(x: FloatArray, shape: FloatArray, coefficients: FloatArray) -> FloatArray:
    rate = shape[..., 0] / (x[-1] - x[0])
    return _stack(coefficients[..., 0] * _at_zero(-rate * np.where(rate > 0.0, x[-1], x[0])), rate)


def _saturating_columns(x: FloatArray, shape: FloatArray) -> FloatArray:
    rate = np.exp(shape)
    return _stack(1.0, -_relative(-rate * _along(x), rate))


def _saturating_parameters(x: FloatArray, shape: FloatArray, coefficients: FloatArray) -> FloatArray:
    relative = np.exp(shape[..., 0])
    change, rate = coefficients[..., 1] / relative, relative / (x[-1] - x[0])
    return _stack(coefficients[..., 0] + change, -change * _at_zero(rate * x[0]), rate)


def _at_zero(growth: FloatArray) -> FloatArray:
    """exp(growth) from the data to x = 0, where amplitudes are stated; NaN if the value is out of the range of float64."""
    return np.where(
        np.abs(growth) < _LARGEST_EXPONENT, np.exp(np.clip(growth, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)), np.nan
    )


def _sigmoid_grid(u: FloatArray) -> FloatArray:
    widths = np.log(np.geomspace(np.diff(u).min() / 8.0, np.ptp(u), 10))
    midpoints = np.interp(np.linspace(0.0, u.size - 1.0, 4 * u.size - 3), np.arange(u.size), u)
    return np.stack(np.meshgrid(midpoints, widths, indexing="ij"), axis=-1).reshape(-1, 2)


def _sigmoid_columns(u: FloatArray, shape: FloatArray) -> FloatArray:
    from scipy.special import expit

    return _stack(1.0, expit((u - shape[..., :1]) * np.exp(np.clip(-shape[..., 1:], -50.0, 50.0))))


def _logistic_parameters(x: FloatArray, shape: FloatArray, coefficients: FloatArray) -> FloatArray:
    return _stack(
        coefficients[..., 0], coefficients[..., 1], shape[..., 0], np.exp(np.clip(shape[..., 1], -50.0, 50.0))
    )


def _hill_parameters(x: FloatArray, shape: FloatArray, coefficients: FloatArray) -> FloatArray:
    # The shape tells of a search that runs away; here the numbers must only not overflow.
    midpoint, steepness = np.exp(np.clip(shape[..., 0], -500.0, 500.0)), np.exp(-np.clip(shape[..., 1], -50.0, 50.0))
    return _stack(coefficients[..., 0], coefficients[..., 1], midpoint, steepness)


def _logistic(x: FloatArray, offset: float, amplitude: float, midpoint: float, scale: float) -> Any:
    from scipy.special import expit

    return offset + amplitude * expit((x - midpoint) / scale)


def _hill(x: FloatArray, offset: float, amplitude: float, midpoint: float, steepness: float) -> Any:
    from scipy.special import expit

    return offset + amplitude * expit(steepness * np.log(x / midpoint))


def _broken(x: FloatArray, height: FloatArray, knee: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    return height * (x / knee) ** np.where(x < knee, low, high)


def _between(x: FloatArray) -> FloatArray:
    """Place of a jump between two positions: half way, on the scale of ratios if all positions are positive."""
    middle = np.sqrt(x[1:] * x[:-1]) if x[0] > 0.0 else (x[1:] + x[:-1]) / 2.0
    return middle[:, None]


def _knees(u: FloatArray) -> FloatArray:
    """Eight places in every gap but the first and the last one; a knee there would leave a single position on one side."""
    inner = u[1:-1]
    if inner.size < 2:
        return inner[:, None]
    return np.interp(np.linspace(0.0, inner.size - 1.0, 8 * inner.size - 7), np.arange(inner.size), inner)[:, None]


def _as_they_are(x: FloatArray, shape: FloatArray, coefficients: FloatArray) -> FloatArray:
    lead = np.broadcast_shapes(shape.shape[:-1], coefficients.shape[:-1])
    return np.concatenate([np.broadcast_to(part, (*lead, part.shape[-1])) for part in (coefficients, shape)], axis=-1)


def _linear(columns: Callable[[FloatArray], tuple[npt.ArrayLike, ...]]) -> Separable:
    def build(x: FloatArray, shape: FloatArray) -> FloatArray:
        one = _stack(*columns(x))
        return np.broadcast_to(one, (*shape.shape[:-1], *one.shape))

    return Separable(lambda x: np.zeros((1, 0)), build, _as_they_are)


def _power_law(x: FloatArray, amplitude: FloatArray, exponent: FloatArray) -> FloatArray:
    return amplitude * x**exponent


def _models() -> tuple[CurveModel, ...]:
    return (
        CurveModel("constant", lambda x, c: c + 0.0 * x, ("offset",), "offset",
                   separable=_linear(lambda x: (np.ones_like(x),))),
        CurveModel("linear", lambda x, c, a: c + a * x, ("offset", "slope"), "offset + slope * x",
                   separable=_linear(lambda x: (1.0, x))),
        CurveModel("logarithmic", lambda x, c, a: c + a * np.log(x), ("offset", "slope"), "offset + slope * log(x)",
                   separable=_linear(lambda x: (1.0, np.log(x))), positive_x=True),
        CurveModel("power law", _power_law, ("amplitude", "exponent"), "amplitude * x**exponent",
                   separable=Separable(lambda x: _EXPONENTS, _power_columns, _power_parameters), positive_x=True),
        CurveModel("offset power law", lambda x, a, b, c: a * x**b + c, ("amplitude", "exponent", "offset"),
                   "amplitude * x**exponent + offset",
                   separable=Separable(lambda x: _EXPONENTS, _offset_power_columns, _offset_power_parameters),
                   singular=("exponent", 0.0), positive_x=True),
        CurveModel("broken power law", _broken, ("height", "knee", "low_exponent", "high_exponent"),
                   "height * (x / knee)**(low_exponent if x < knee else high_exponent)",
                   separable=Separable(_broken_grid, _broken_columns, _broken_parameters,
                                       parts=lambda x: _centred_log(x)[0][1:-1]), positive_x=True),
        CurveModel("exponential", lambda x, a, k: a * np.exp(k * x), ("amplitude", "rate"), "amplitude * exp(rate * x)",
                   separable=Separable(_exponential_grid, _exponential_columns, _exponential_parameters)),
        CurveModel("saturating", lambda x, c, a, k: c + a * np.exp(-k * x), ("limit", "amplitude", "rate"),
                   "limit + amplitude * exp(-rate * x)",
                   separable=Separable(lambda x: np.log(_rates(x))[:, None], _saturating_columns, _saturating_parameters)),
        CurveModel("logistic", _logistic, ("offset", "amplitude", "midpoint", "scale"),
                   "offset + amplitude / (1 + exp((midpoint - x) / scale))",
                   separable=Separable(_sigmoid_grid, _sigmoid_columns, _logistic_parameters, parts=lambda x: x)),
        CurveModel("Hill", _hill, ("offset", "amplitude", "midpoint", "steepness"),
                   "offset + amplitude / (1 + (midpoint / x)**steepness)",
                   separable=Separable(lambda x: _sigmoid_grid(np.log(x)),
                                       lambda x, shape: _sigmoid_columns(np.log(x), shape), _hill_parameters,
                                       parts=np.log), positive_x=True),
        CurveModel("step", lambda x, c, a, at: c + a * (x > at), ("offset", "amplitude", "location"),
                   "offset + amplitude * (x > location)",
                   separable=Separable(_between, lambda x, s: _stack(1.0, x > s), _as_they_are, exhaustive=True)),
        CurveModel("plateau", lambda x, c, a, at: c + a * np.minimum(x, at), ("offset", "slope", "knee"),
                   "offset + slope * min(x, knee)",
                   separable=Separable(_knees, lambda x, s: _stack(1.0, np.minimum(x, s)), _as_they_are)),
        CurveModel("log plateau", lambda x, c, a, at: c + a * np.log(np.minimum(x, at)), ("offset", "slope", "knee"),
                   "offset + slope * log(min(x, knee))",
                   separable=Separable(lambda x: np.exp(_knees(np.log(x))),
                                       lambda x, s: _stack(1.0, np.log(np.minimum(x, s))), _as_they_are), positive_x=True),
    )  # fmt: skip


LAWS = {model.name: model for model in _models()}
"""Built-in models by name."""
