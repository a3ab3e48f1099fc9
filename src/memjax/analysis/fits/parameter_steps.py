"""How far to move a parameter for a derivative.

A step in proportion to the parameter is too small near zero, and a fixed step would depend on units.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["parameter_steps"]

FloatArray = npt.NDArray[np.float64]

_SHARE = 1e-6
# A change of the curve below the first share of its size is lost in rounding. The step then grows until the change is the
# second share.
_LOST, _SEEN, _DECADES = 1e-9, 1e-6, 60


def parameter_steps(function: Callable[..., FloatArray], x: FloatArray, at: FloatArray, size: float) -> FloatArray:
    """Steps ``[p]``: a millionth of each parameter, or a larger step if a millionth hardly moves the curve.

    ``size`` is the size of the curve. A parameter that never moves the curve keeps its first step.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> parameter_steps(lambda x, a, b: a + b * x, x, np.array([1e-15, 2.0]), 4.0)
    array([1.e-05, 2.e-06])
    """
    steps = _SHARE * np.where(at == 0.0, _SHARE, np.abs(at))
    with np.errstate(all="ignore"):
        here = function(x, *at)
        return np.array([_grown(function, x, at, here, j, step, size) for j, step in enumerate(steps)])


def _grown(
    function: Callable[..., FloatArray],
    x: FloatArray,
    at: FloatArray,
    here: FloatArray,
    j: int,
    first: float,
    size: float,
) -> float:
    step, enough = first, _LOST
    for _ in range(_DECADES):
        moved = at.copy()
        moved[j] += step
        change = np.abs(function(x, *moved) - here).max()
        if not np.isfinite(change):
            return max(step / 10.0, first)
        if change >= enough * size:
            return step
        step, enough = 10.0 * step, _SEEN
    return first
