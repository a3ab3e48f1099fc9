"""Whether our number is the published one: six words, decided by one rule with one tolerance in all studies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from memjax.errors import InputError
from memjax.studies.kit.estimate import Estimate

__all__ = ["AS_DERIVED", "LEGEND", "TOLERANCE", "Rule", "Verdict", "above", "below", "between", "decide", "near"]

TOLERANCE = 0.15
"""How far ours may be from a published number, as a share of that number; published numbers are often read from figures.

Examples
--------
>>> from memjax.studies.kit import TOLERANCE, near
>>> near(100.0) == near(100.0, within=TOLERANCE), near(100.0).high
(True, 115.0)
"""


class Verdict(StrEnum):
    """What a comparison says, in the words that reports use.

    Examples
    --------
    >>> from memjax.studies.kit import Claim, Estimate
    >>> Claim("exponent", 5.0, Estimate(5.0, 4.8, 5.2, count=4)).verdict is Verdict.AS_PUBLISHED
    True
    >>> f"The level {Verdict.DIFFERS}."
    'The level differs.'
    """

    AS_PUBLISHED = "as published"
    DIFFERS = "differs"
    NOT_TOLD_APART = "not told apart"
    NO_INTERVAL = "no interval"
    NOT_KNOWN = "not known"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Rule:
    """Range of numbers that count as published; an infinite end is open, and so is the finite end opposite to it.

    Attributes
    ----------
    low, high
        Ends of the range.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise InputError(
                f"A rule has the range {self.low} to {self.high}: its lower end must not exceed its upper one."
            )

    def holds_all(self, low: float, high: float) -> bool:
        """Whether a whole interval lies in the range."""
        if math.isinf(self.low) or math.isinf(self.high):
            # An interval may be open at the same end, and then lies on that side of every level.
            above_low, below_high = low > self.low or self.low == -math.inf, high < self.high or self.high == math.inf
            return above_low and below_high
        return self.low <= low and high <= self.high

    def holds_none(self, low: float, high: float) -> bool:
        """Whether a whole interval lies beside the range."""
        if math.isinf(self.low) or math.isinf(self.high):
            return high <= self.low or low >= self.high
        return high < self.low or low > self.high


def near(value: float | tuple[float, float], within: float = TOLERANCE) -> Rule:
    """Near a published number, or a published range: by at most a share ``within`` of it.

    Examples
    --------
    >>> near(20.0, within=0.05), near((22.0, 24.0), within=0.5)
    (Rule(low=19.0, high=21.0), Rule(low=11.0, high=36.0))
    """
    low, high = value if isinstance(value, tuple) else (value, value)
    return Rule(low - within * abs(low), high + within * abs(high))


def above(level: float) -> Rule:
    """Above a level, as when "larger", "rises" or "more than" is published.

    Examples
    --------
    >>> from memjax.studies.kit import Claim, Estimate
    >>> ours = Estimate(5.0, 4.8, 5.2, count=4)
    >>> [Claim("exponent", "more than the level", ours, above(level)).verdict.value for level in (4.0, 5.0, 6.0)]
    ['as published', 'not told apart', 'differs']
    """
    return Rule(level, math.inf)


def below(level: float) -> Rule:
    """Below a level.

    Examples
    --------
    >>> from memjax.studies.kit import Claim, Estimate
    >>> ours = Estimate(5.0, 4.8, 5.2, count=4)
    >>> [Claim("exponent", "less than the level", ours, below(level)).verdict.value for level in (4.0, 5.0, 6.0)]
    ['differs', 'not told apart', 'as published']
    """
    return Rule(-math.inf, level)


def between(low: float, high: float) -> Rule:
    """Between two numbers, both included, without a tolerance.

    Examples
    --------
    >>> from memjax.studies.kit import Claim, Estimate
    >>> ours = Estimate(5.0, 4.8, 5.2, count=4)
    >>> [Claim("exponent", "in the range", ours, between(low, 6.0)).verdict.value for low in (4.8, 5.0, 5.5)]
    ['as published', 'not told apart', 'differs']
    """
    return Rule(low, high)


def decide(ours: Estimate, rule: Rule | None) -> Verdict:
    """Verdict on an estimate; without a rule nothing is asked.

    A run that never gets there has an infinite value, which counts where it lies: above every number (below, for minus
    infinity). Such runs are not in the interval, so one of them outside the range prevents "as published", and more than
    half of all known runs outside make "differs". Runs without a value count for nothing, unless they are more than half.

    Examples
    --------
    >>> ours = Estimate(5.0, 4.8, 5.2, count=4)
    >>> [decide(ours, rule).value for rule in (near(5.0), near(6.0), near(4.5), above(4.0), None)]
    ['as published', 'not told apart', 'not told apart', 'as published', 'not asked']
    >>> decide(ours, near(9.0)).value, decide(Estimate(5.0), near(5.0)).value
    ('differs', 'no interval')
    >>> decide(Estimate(5.0, 4.8, 5.2, count=3, never=1), near(5.0)).value
    'not told apart'
    >>> at_least = Estimate(5.0, 4.8, math.inf, count=4)
    >>> decide(at_least, above(4.0)).value, decide(at_least, above(4.9)).value, decide(at_least, below(4.0)).value
    ('as published', 'not told apart', 'differs')
    """
    if rule is None:
        return Verdict.NOT_ASKED
    known = ours.count + ours.never
    if not known or ours.unknown > known:
        return Verdict.NOT_KNOWN
    if known == 1 and math.isnan(ours.low):
        return Verdict.NO_INTERVAL
    outside = (ours.never - ours.below) * math.isfinite(rule.high) + ours.below * math.isfinite(rule.low)
    if 2 * outside > known:
        return Verdict.DIFFERS
    if not ours.count:
        return Verdict.AS_PUBLISHED if not outside else Verdict.NOT_TOLD_APART
    if math.isnan(ours.low) or math.isnan(ours.high):
        return Verdict.NO_INTERVAL
    return _of_interval(ours, rule, outside)


def _of_interval(ours: Estimate, rule: Rule, outside: int) -> Verdict:
    if not outside and rule.holds_all(ours.low, ours.high):
        return Verdict.AS_PUBLISHED
    if outside == ours.never and rule.holds_none(ours.low, ours.high):
        return Verdict.DIFFERS
    return Verdict.NOT_TOLD_APART


AS_DERIVED = "as derived"
"""What stands in place of "as published" beside a value that was derived and not published."""

LEGEND = (
    f'Verdicts: "{Verdict.AS_PUBLISHED}" (or "{AS_DERIVED}", of a closed form or an identity), our whole 95% interval lies '
    f"within {TOLERANCE:.0%} of the published number, in the published range widened by as much, or on the published side of a "
    f'level; "{Verdict.DIFFERS}", the whole interval lies outside; "{Verdict.NOT_TOLD_APART}", the interval reaches across an '
    f'end; "{Verdict.NO_INTERVAL}", there is one run; "{Verdict.NOT_KNOWN}", half of the runs or more have no value; '
    f'"{Verdict.NOT_ASKED}", nothing is published that could be compared, or the published number could not be read.'
)
"""What the six words mean, as it stands under every table that uses them."""
