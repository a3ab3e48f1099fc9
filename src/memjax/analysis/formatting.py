"""Numbers with their intervals as short text."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["format_interval"]


def format_interval(value: float, interval: Iterable[float]) -> str:
    """Write a value and its interval with as many digits as the interval supports.

    Parameters
    ----------
    value : float
        The estimate.
    interval : iterable of float
        Lower and upper bound; NaN means that there is none.

    Returns
    -------
    str
        ``value [lower, upper]``, rounded to two significant digits of the interval's half width, or the value with
        three significant digits and ``[no interval]``.

    Examples
    --------
    >>> format_interval(0.27, (0.2412, 0.2987))
    '0.270 [0.241, 0.299]'
    >>> format_interval(3200.4, (2950.0, 3450.0))
    '3200 [2950, 3450]'
    >>> format_interval(0.27, (float("nan"), float("nan")))
    '0.270 [no interval]'
    """
    lower, upper = (float(bound) for bound in interval)
    if math.isnan(lower) or math.isnan(upper):
        return f"{_rounded(value, _places(abs(value), 3))} [no interval]"
    half = (upper - lower) / 2.0
    known = math.isfinite(half) and half > 0.0
    most = _places(abs(value), 6) if value else _places(half, 2)
    places = min(_places(half, 2), most) if known else _places(abs(value), 3)
    return f"{_rounded(value, places)} [{_rounded(lower, places)}, {_rounded(upper, places)}]"


def _places(size: float, digits: int) -> int:
    if not math.isfinite(size) or size <= 0.0:
        return 0
    return max(0, digits - 1 - math.floor(math.log10(size)))


def _rounded(number: float, places: int) -> str:
    # Adding zero turns the -0.0 that rounding can leave into 0.0.
    return f"{round(float(number), places) + 0.0:.{places}f}" if math.isfinite(number) else f"{float(number)}"
