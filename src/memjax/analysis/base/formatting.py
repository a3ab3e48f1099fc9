"""Numbers with their intervals as short text."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["format_interval"]


def format_interval(value: float, interval: Iterable[float]) -> str:
    """Write a value and its interval with as many digits as the interval supports.

    Parameters
    ----------
    value
        The estimate.
    interval
        Lower and upper bound; NaN means that there is no interval.

    Returns
    -------
    str
        ``value [lower, upper]``, rounded to two significant digits of the interval's half width. Without an interval, the
        value with three significant digits and ``[no interval]``. Very large and very small numbers have exponents.

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
    power = _power(value, lower, upper)
    # In two steps, because a power of ten below 1e-308 is not a number.
    value, lower, upper = (
        number / 10.0 ** (power // 2) / 10.0 ** (power - power // 2) for number in (value, lower, upper)
    )
    suffix = f"e{power}" if power else ""
    if math.isnan(lower) or math.isnan(upper):
        return f"{_rounded(value, _places(abs(value), 3))}{suffix} [no interval]"
    half = (upper - lower) / 2.0
    known = math.isfinite(half) and half > 0.0
    most = _places(abs(value), 6) if value else _places(half, 2)
    places = min(_places(half, 2), most) if known else _places(abs(value), 3)
    shown = (f"{_rounded(number, places)}{suffix if math.isfinite(number) else ''}" for number in (value, lower, upper))
    return "{} [{}, {}]".format(*shown)


def _power(*numbers: float) -> int:
    """Power of ten to factor out: 0 unless the largest number has more than eight digits, or four zeros in front."""
    largest = max((abs(number) for number in numbers if math.isfinite(number)), default=0.0)
    return 0 if largest == 0.0 or 1e-4 <= largest < 1e8 else math.floor(math.log10(largest))


def _places(size: float, digits: int) -> int:
    if not math.isfinite(size) or size <= 0.0:
        return 0
    return max(0, digits - 1 - math.floor(math.log10(size)))


def _rounded(number: float, places: int) -> str:
    # Adding zero turns the -0.0 that rounding can leave into 0.0.
    return f"{round(float(number), places) + 0.0:.{places}f}" if math.isfinite(number) else f"{float(number)}"
