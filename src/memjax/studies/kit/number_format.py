"""One format for the numbers of a column: the same decimals, the same significant digits, or exponents for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median_high

from memjax.studies.kit.estimate import Estimate

__all__ = ["behind", "column_text", "number_text", "range_text", "text"]

_MOST_DIGITS = 6
_SMALL, _LARGE = 1e-4, 1e8
_FAR_APART = 100.0
_ROUNDING = 1e-9
_CHOSEN = 2
_NO_NUMBERS = ("nan", "inf", "-inf")


def text(one: Estimate, units: str = "") -> str:
    """An estimate by itself, with its interval, and how many runs have no value.

    Examples
    --------
    >>> text(Estimate(111.2, 85.3, 137.1, count=3, never=1)), text(Estimate(float("nan"), count=0, never=2))
    ('111 [85, 137], never in 1 of 4', 'never in 2 of 2')
    >>> text(Estimate(0.2701)), text(Estimate(1e-8, 1.1e-13, 0.00093, of="geometric"))
    ('0.270 [no interval]', '1.0e-8 [1.1e-13, 9.3e-4]')
    >>> text(Estimate(5.04, 4.1, 6.0), units="%"), text(Estimate(0.0, 0.0, 0.602365, count=4, of="share"))
    ('5.04 [4.10, 6.00]%', '0.00 [0.00, 0.60]')
    """
    return column_text([one], units)[0]


def behind(units: str) -> str:
    """Units as they stand behind a number: a percent sign without a space."""
    return units if units.startswith("%") or not units else f" {units}"


def range_text(one: Estimate) -> str:
    """Smallest and largest of the single runs, in the format of their estimate; empty where single runs are not known.

    Examples
    --------
    >>> range_text(Estimate(111.2, 85.3, 137.1, count=3, smallest=101.3, largest=121.0)), range_text(Estimate(0.27))
    ('101 to 121', '')
    >>> range_text(Estimate(-0.0, 0.0, 0.0, count=2, smallest=-0.0, largest=-0.0))
    '0 to 0'
    """
    if math.isnan(one.smallest) or one.count < 2 or one.of == "share":
        return ""
    shown = _number_format([one])
    return f"{shown(one.smallest)} to {shown(one.largest)}"


def column_text(column: Sequence[Estimate], units: str = "") -> list[str]:
    """Estimates of one column, all in one format.

    Cells of one order of magnitude have the same decimals: those that show two significant digits of the half width in half of
    the cells. Cells that differ a hundredfold have the same number of significant digits. Where numbers below 1e-4 or above 1e8
    stand among them, all have an exponent.

    Examples
    --------
    >>> column_text([Estimate(9.13, 8.9, 9.3), Estimate(12.9, 11.0, 14.8)])
    ['9.13 [8.90, 9.30]', '12.90 [11.00, 14.80]']
    >>> column_text([Estimate(0.513, 0.50, 0.53), Estimate(127.0, 90.0, 160.0)])
    ['0.513 [0.500, 0.530]', '127 [90.0, 160]']
    """
    shown = _number_format(column)
    return [_cell(one, shown, units) for one in column]


def number_text(column: Sequence[float], units: str = "") -> list[str]:
    """Numbers of one column that have no intervals, all in one format.

    Examples
    --------
    >>> number_text([0.000159, 9.423e-05, 0.0004]), number_text([7.578, -11.7]), number_text([0.5, float("inf")])
    (['1.590e-4', '9.423e-5', '4.000e-4'], ['7.578', '-11.700'], ['0.5', 'inf'])
    """
    plain = [f"{number:.4g}" for number in column]
    sizes = [abs(number) for number in column if number and math.isfinite(number)]
    # Numbers that somebody chose, such as 0.5 and 0.25, have few digits and stay what they are.
    if all(len(text.strip("-0.").replace(".", "")) <= _CHOSEN for text in plain if text not in _NO_NUMBERS):
        return [f"{text}{behind(units)}" for text in plain]
    if any("e" in text for text in plain):
        return [f"{_with_exponent(number, 4)}{behind(units)}" for number in column]
    places = max(len(text.partition(".")[2]) for text in plain)
    shown = [f"{number:.{places}f}" for number in column] if max(sizes) < 10 * _FAR_APART * min(sizes) else plain
    return [f"{text}{behind(units)}" for text in shown]


def _cell(one: Estimate, shown: Callable[[float], str], units: str) -> str:
    ends = "no interval" if math.isnan(one.low) else f"{shown(one.low)}, {shown(one.high)}"
    parts = [f"{shown(one.value)} [{ends}]{behind(units)}"] if one.count else []
    counts = (("never", one.never), ("not known", one.unknown))
    parts += [f"{word} in {number} of {one.runs}" for word, number in counts if number]
    return ", ".join(parts)


def _number_format(column: Sequence[Estimate]) -> Callable[[float], str]:
    known = [one for one in column if one.count and math.isfinite(one.value)]
    # An end near zero is no reason for exponents, unless the interval is one of ratios.
    ends = [end for one in known if _is_wide(one) for end in (one.low, one.high)]
    numbers = [abs(number) for number in (*(one.value for one in known), *ends) if number and math.isfinite(number)]
    if not numbers:
        # Where all values are zero, their intervals say how many decimals matter.
        places = max((_places(one) for one in known if _half(one)), default=None)
        form = "g" if places is None else f".{places}f"
        # A zero is added because -0.0 would show its sign.
        return lambda number: f"{number + 0.0:{form}}"
    # A number without an interval does not know its digits, so the others decide.
    judges = [one for one in known if _half(one)] or known
    digits = min(_MOST_DIGITS, max(2, median_high(map(_significant, judges))))
    if min(numbers) < _SMALL or max(numbers) >= _LARGE:
        return lambda number: _with_exponent(number, digits)
    sizes = [max(abs(one.value), _half(one)) for one in known if one.value]
    if max(sizes) < _FAR_APART * min(sizes) and not any(map(_is_wide, known)):
        places = median_high(map(_places, judges))
        return lambda number: f"{round(number, places) + 0.0:.{places}f}"
    return lambda number: _rounded(number, digits)


def _is_wide(one: Estimate) -> bool:
    """Whether an interval of ratios spans a decade: half its width says nothing on the digits of its lower end."""
    return one.of == "geometric" and 0.0 < one.low < math.inf and one.high > 10.0 * one.low


def _half(one: Estimate) -> float:
    """Half the width of an interval; 0 for none, and for one that is all rounding."""
    half = (one.high - one.low) / 2.0
    return half if math.isfinite(half) and half > _ROUNDING * abs(one.value) else 0.0


def _places(one: Estimate) -> int:
    """Decimals that show two significant digits of the half width, or three of a value without an interval."""
    half, size = _half(one), abs(one.value)
    most = _MOST_DIGITS - 1 - _exponent(size) if size else 4
    return max(0, min(1 - _exponent(half), most) if half else 2 - _exponent(size))


def _significant(one: Estimate) -> int:
    half, size = _half(one), abs(one.value)
    if not half or not size or _is_wide(one):
        return 2 if _is_wide(one) else 3
    return max(2, _exponent(size) - _exponent(half) + 2)


def _exponent(number: float) -> int:
    return math.floor(math.log10(number)) if number else 0


def _rounded(number: float, digits: int) -> str:
    """Significant digits without an exponent."""
    if not number or not math.isfinite(number):
        return f"{number:g}"
    return f"{round(number, digits - 1 - _exponent(abs(number))):.{max(0, digits - 1 - _exponent(abs(number)))}f}"


def _with_exponent(number: float, digits: int) -> str:
    if not number or not math.isfinite(number):
        return f"{number:g}"
    mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
