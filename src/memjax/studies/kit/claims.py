"""Claims: what is published, our number by seed, and the rule that compares them; their table, answer and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from memjax.errors import listing
from memjax.pages.table import Table
from memjax.studies.kit.estimate import Estimate, Kind, estimate
from memjax.studies.kit.number_format import behind, range_text, text
from memjax.studies.kit.verdict import AS_DERIVED, LEGEND, TOLERANCE, Rule, Verdict, decide, near
from memjax.studies.kit.within import Within

__all__ = ["NOT_READ", "Claim", "answer", "as_data", "claims_table"]

NOT_READ = "not read"
"""What stands for a published value that could not be read."""

Published = float | tuple[float, float] | str | None


@dataclass(frozen=True)
class Claim:
    """One published statement, and what our runs say of it.

    Attributes
    ----------
    what
        What the number is, as a reader would say it.
    published
        A number, a range as a pair, words where no number is published, or None for a number that could not be read.
    ours
        One value of each run, as `estimate` takes them, or an `Estimate` that a fit over all runs gives.
    rule
        Range that counts as published, such as `near`, `above`, `below` and `memjax.studies.kit.between` give. By default
        `near` the published number or range; nothing is asked where words or nothing are published.
    of
        Kind of the estimate.
    units
        Shown after the number: "%" and such.
    remark
        Further words on our number, such as how many runs it is of.
    main
        Whether the statement is one that the study is made for: the report's answer speaks of these.
    derived
        Whether the value was derived, as a closed form or an identity is, and not published: such claims check the study, and
        the answer counts them apart.

    Examples
    --------
    >>> ours = xr.DataArray([19.6, 20.1, 20.3], dims="seed")
    >>> claim = Claim("sharpness at the end", 20.0, ours)
    >>> claim.shown, claim.verdict.value
    ('20.00 [19.10, 20.90]', 'as published')
    """

    what: str
    published: Published
    ours: xr.DataArray | Within | Estimate
    rule: Rule | None = None
    of: Kind = "mean"
    units: str = ""
    remark: str = ""
    main: bool = False
    derived: bool = False

    @property
    def estimate(self) -> Estimate:
        """Estimate over the runs."""
        return self.ours if isinstance(self.ours, Estimate) else estimate(self.ours, self.of)

    @property
    def band(self) -> Rule | None:
        """The rule, or the one that follows from a published number; None where nothing is asked."""
        if self.published is None or self.rule is not None:
            return None if self.published is None else self.rule
        return None if isinstance(self.published, str) else near(self.published)

    @property
    def verdict(self) -> Verdict:
        """What the comparison says."""
        return decide(self.estimate, self.band)

    @property
    def verdict_shown(self) -> str:
        """The verdict in words; nobody published what was derived."""
        return AS_DERIVED if self.derived and self.verdict is Verdict.AS_PUBLISHED else str(self.verdict)

    @property
    def shown(self) -> str:
        """Our number as text, with its interval, counts and remark."""
        own = text(self.estimate, self.units)
        return f"{own}; {self.remark}" if self.remark and own else own or self.remark

    @property
    def number(self) -> str:
        """The published value as text."""
        if self.published is None or isinstance(self.published, str):
            return NOT_READ if self.published is None else self.published
        low, high = _pair(self.published)
        return f"{low:g}{f' to {high:g}' if high != low else ''}{behind(self.units)}"

    @property
    def published_shown(self) -> str:
        """The published value as text, with the range that is asked for where that is another than the usual one."""
        return (
            self.number
            if self.published is None or isinstance(self.published, str)
            else f"{self.number}{self._asked()}"
        )

    def _asked(self) -> str:
        """The range that is asked for, where another one than that of the one tolerance is given."""
        band, usual = self.rule, near(_pair(self.published))
        if band is None or np.allclose((usual.low, usual.high), (band.low, band.high)):
            return ""
        if math.isinf(band.low) or math.isinf(band.high):
            return f" (asked: {f'above {band.low:g}' if math.isinf(band.high) else f'below {band.high:g}'})"
        return f" (asked: {band.low:g} to {band.high:g})"


def _pair(published: Any) -> tuple[float, float]:
    low, high = published if isinstance(published, tuple) else (published, published)
    return float(low), float(high)


def claims_table(claims: Sequence[Claim], note: str = "") -> Table:
    """The table of a study's claims, with what its verdicts mean.

    Examples
    --------
    >>> table = claims_table([Claim("exponent", 0.27, xr.DataArray([0.26, 0.27, 0.275], dims="seed"))])
    >>> table.columns, table.rows
    (('claim', 'published', 'ours', 'single runs', 'verdict'),
     (('exponent', '0.27', '0.268 [0.249, 0.287]', '0.260 to 0.275', 'as published'),))
    """
    rows = tuple(
        (claim.what, claim.published_shown, claim.shown, range_text(claim.estimate), claim.verdict_shown)
        for claim in claims
    )
    head = ("claim", "published", "ours", "single runs", "verdict")
    return Table("What is published, and here", head, rows, f"{note} {_INTERVALS} {LEGEND}".strip())


_INTERVALS = "Numbers in brackets are 95% intervals over seeds."


def answer(claims: Sequence[Claim]) -> tuple[str, ...]:
    """What was found, in sentences that follow from the verdicts.

    The first sentence counts all verdicts on what is published, and the second one those on derived values; the others name
    the main claims, or the first one if none is marked. Where nothing is published that could be compared, the last sentence
    gives the numbers of the main claims.

    Examples
    --------
    >>> right = Claim("exponent", 0.27, xr.DataArray([0.26, 0.27, 0.275], dims="seed"), main=True)
    >>> wrong = Claim("offset", 6.0, xr.DataArray([-9.0, -10.0, -9.5], dims="seed"), main=True)
    >>> for sentence in answer([right, wrong]):
    ...     print(sentence)
    Of 2 published statements that were compared, 1 came out as published and 1 differs.
    As published: exponent is 0.268 [0.249, 0.287] (published: 0.27).
    Different here: offset is -9.5 [-10.7, -8.3] (published: 6).
    """
    compared = [claim for claim in claims if claim.verdict is not Verdict.NOT_ASKED]
    asked, exact = [one for one in compared if not one.derived], [one for one in compared if one.derived]
    checks = (_counted(exact, "derived value", _DERIVED),) if exact else ()
    if not asked:
        found = [f"{claim.what} is {text(claim.estimate, claim.units)}" for claim in claims if claim.main]
        nothing = "Nothing is published that these numbers could be compared with."
        return (nothing, *checks, f"Found here: {'; '.join(found)}.") if found else (nothing, *checks)
    first = (_counted(asked, "published statement", _COUNTED), *checks)
    main = [claim for claim in asked if claim.main] or asked[:1]
    return (*first, *(_sentence(head, [one for one in main if one.verdict is verdict]) for verdict, head in _HEADS.items()
                     if any(one.verdict is verdict for one in main)))  # fmt: skip


def _counted(asked: Sequence[Claim], what: str, words: Mapping[Verdict, tuple[str, str]]) -> str:
    """A sentence that counts the verdicts on some claims."""
    counts = {verdict: sum(claim.verdict is verdict for claim in asked) for verdict in Verdict}
    parts = [f"{counts[verdict]} {said[counts[verdict] != 1]}" for verdict, said in words.items() if counts[verdict]]
    plural, verb = ("", "was") if len(asked) == 1 else ("s", "were")
    return f"Of {len(asked)} {what}{plural} that {verb} compared, {listing(parts, last='and')}."


_COUNTED = {
    Verdict.AS_PUBLISHED: ("came out as published", "came out as published"),
    Verdict.DIFFERS: ("differs", "differ"),
    Verdict.NOT_TOLD_APART: ("is not told apart", "are not told apart"),
    Verdict.NO_INTERVAL: ("has one run, and so no interval", "have one run, and so no interval"),
    Verdict.NOT_KNOWN: ("is not known", "are not known"),
}
_DERIVED = _COUNTED | {Verdict.AS_PUBLISHED: ("came out as derived", "came out as derived")}
_HEADS = {
    Verdict.AS_PUBLISHED: "As published",
    Verdict.DIFFERS: "Different here",
    Verdict.NOT_TOLD_APART: "Not told apart",
    Verdict.NO_INTERVAL: "Without an interval",
    Verdict.NOT_KNOWN: "Not known",
}


def _sentence(head: str, claims: Sequence[Claim]) -> str:
    parts = [f"{claim.what} is {text(claim.estimate, claim.units)} (published: {claim.number})" for claim in claims]
    return f"{head}: {'; '.join(parts)}."


def as_data(claim: Claim) -> Mapping[str, Any]:
    """A claim with the numbers behind it, as plain data for JSON; infinity is "never" and NaN is None."""
    one, band, ours = claim.estimate, claim.band, claim.ours
    parts = {"values": ours} if isinstance(ours, xr.DataArray) else {}
    if isinstance(ours, Within):
        parts = {"values": ours.found, "least": ours.least, "most": ours.most}
    return {
        "what": claim.what,
        "published": list(claim.published) if isinstance(claim.published, tuple) else claim.published,
        "published_shown": claim.published_shown,
        "ours": claim.shown,
        "single_runs": range_text(one),
        "verdict": claim.verdict_shown,
        "main": claim.main,
        "derived": claim.derived,
        "asked": None if band is None else [_plain(band.low), _plain(band.high)],
        "tolerance": TOLERANCE,
        "units": claim.units,
        "estimate": {name: _plain(value) for name, value in one.as_dict().items()},
        "runs": {name: [_plain(value) for value in part.values.ravel().tolist()] for name, part in parts.items()},
    }


def _plain(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "infinity" if value > 0 else "-infinity"
