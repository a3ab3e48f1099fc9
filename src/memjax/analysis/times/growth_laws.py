"""Laws of how the logarithm of a time depends on a position, each linear once its shape is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["GROWTH_LAWS", "GrowthLaw"]

FloatArray = npt.NDArray[np.float64]


class GrowthLaw(NamedTuple):
    """log T = (columns at x) . coefficients, plus normal noise.

    Attributes
    ----------
    name, formula
        Name of the law, and log T written out.
    columns
        From positions ``[n]``, shapes ``[G]`` and the span (lowest position with a known time, lowest and highest position)
        to regressors ``[G, n, k]``; the first regressor is constant.
    shapes
        From the span to shapes ``[G]``; a single zero for a law without shape.
    free
        Number of free numbers, the noise included.
    """

    name: str
    formula: str
    columns: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
    shapes: Callable[[FloatArray], FloatArray]
    free: int


def _plain(*terms: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray, FloatArray, FloatArray], FloatArray]:
    def build(x: FloatArray, shape: FloatArray, span: FloatArray) -> FloatArray:
        one = np.stack([np.ones_like(x), *(term(x) for term in terms)], axis=-1)
        return np.broadcast_to(one, (*shape.shape, *one.shape))

    return build


def _critical(x: FloatArray, shape: FloatArray, span: FloatArray) -> FloatArray:
    # At and below the critical position the time is infinite; the logarithm of a tiny distance stands for infinity.
    distance = np.maximum((x - shape[..., None]) / (span[2] - span[1]), 1e-9)
    return _with_one(-np.log(distance))


def _double(x: FloatArray, shape: FloatArray, span: FloatArray) -> FloatArray:
    # (exp(-c u) - 1) / c gives the same curves as exp(-c u), and differs from the constant also as c vanishes.
    rate = shape[..., None]
    return _with_one(np.expm1(-rate * (x - span[1])) / rate)


def _with_one(column: FloatArray) -> FloatArray:
    return np.stack([np.ones_like(column), column], axis=-1)


def _none(span: FloatArray) -> FloatArray:
    return np.zeros(1)


def _below(span: FloatArray) -> FloatArray:
    """Critical positions under the lowest known time, denser towards it."""
    return span[0] - (span[2] - span[1]) * np.geomspace(1e-3, 3.0, 30)


def _rates(span: FloatArray) -> FloatArray:
    return np.geomspace(0.05, 30.0, 30) / (span[2] - span[1])


GROWTH_LAWS = (
    GrowthLaw("constant", "a", _plain(), _none, 2),
    GrowthLaw("exponential", "a + b x", _plain(lambda x: x), _none, 3),
    GrowthLaw("power law", "a + b log x", _plain(np.log), _none, 3),
    GrowthLaw("exponential in 1/x", "a + b / x", _plain(lambda x: 1.0 / x), _none, 3),
    GrowthLaw("critical power law", "a - b log((x - c) / (x_max - x_min))", _critical, _below, 4),
    GrowthLaw("double exponential", "a + b (exp(-c (x - x_min)) - 1) / c", _double, _rates, 4),
)
"""Laws in the order in which they are compared."""
