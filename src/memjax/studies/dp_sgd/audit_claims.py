"""What the study dp-sgd compares of audits, of the exact attack, and of the long tail."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import privacy
from memjax.studies.dp_sgd.audits import ATTACKS, FPR, power, summed
from memjax.studies.dp_sgd.sizes import CERTAIN, CLIPPED, EPSILONS, PLAIN
from memjax.studies.dp_sgd.tail import known_at_most
from memjax.studies.kit import Claim, above, below
from memjax.studies.long_tail.numbers import slope

__all__ = ["audit_claims", "exact_claims", "tail_claims"]

_COMMON = "10 or more"
# With fewer runs than releases only this noise has a power that 250 runs tell from one 15% away.
_SUMMED = 2.0


def audit_claims(audit: xr.Dataset) -> list[Claim]:
    """Whether a lower bound stays below the accountant's epsilon, and what audits find without noise."""
    lower, guesses = audit["lower"], audit.attrs["guesses"]
    limits = [_below(audit, name, attack) for attack in (ATTACKS[0], ATTACKS[2]) for name in EPSILONS]
    found = [
        Claim(
            f"{setting}: lower bound of an audit of one run by {attack}, {guesses} guesses",
            "not given",
            lower.sel(attack=attack, setting=setting),
        )
        for setting in (PLAIN, CLIPPED)
        for attack in ATTACKS
    ]
    of = lower.sel(attack=ATTACKS[0], drop=True)
    more = of.sel(setting=CLIPPED) - of.sel(setting="epsilon 8")
    what = f"lower bound of an audit, {CLIPPED} less epsilon 8"
    last = Claim(what, "audits find more where there is less noise", more, above(0.0), main=True)
    return [*limits, *found, last]


def _below(audit: xr.Dataset, setting: str, attack: str) -> Claim:
    upper, lower = float(audit["epsilon"].sel(setting=setting)), audit["lower"].sel(setting=setting, attack=attack)
    remark = f"{int((lower > upper).sum())} of {lower.size} audits above it"
    what = f"{setting}: lower bound of an audit by {attack} less the accountant's {upper:.3g}, mean over runs"
    guesses = int(audit.attrs["guesses"])
    # Guesses that are all right prove no more than this, so that a larger epsilon cannot be contradicted.
    asked = privacy.audit_one_run(guesses, guesses) > upper
    return Claim(what, "below 0", lower - upper, below(0.0) if asked else None, remark=remark, derived=asked)


def exact_claims(scores: xr.DataArray) -> list[Claim]:
    """Whether the exact attack reaches the power of the Gaussian mechanism, in one step and with the last network alone."""
    claims = []
    for noise in scores["noise_multiplier"].values.tolist():
        claims.append(_reached(scores.sel(noise_multiplier=noise), 1 / noise, f"one step with noise {noise:g}"))
    steps = scores.sizes["release"]
    of_last = summed(scores).sel(noise_multiplier=_SUMMED)
    claims.append(
        _reached(of_last, np.sqrt(steps) / _SUMMED, f"the network after {steps} steps with noise {_SUMMED:g}")
    )
    # The runs of all noise multipliers have the same normal numbers, so one of them counts.
    alarms = power(scores.isel(noise_multiplier=0), FPR)[1]
    what = f"exact attack on one step: false positive rate at the level of {FPR:.0%}"
    return [*claims, Claim(what, FPR, alarms, derived=True)]


def _reached(scores: xr.DataArray, mu: float, what: str) -> Claim:
    hits = power(scores, FPR)[0]
    closed = round(float(privacy.gaussian_power(mu, FPR)), 4)
    text = f"exact attack on {what}: true positive rate at {FPR:.0%} false positives"
    return Claim(text, closed, hits, main=what.startswith("one step with noise 1"), derived=True)


def tail_claims(found: xr.Dataset, floors: xr.Dataset) -> list[Claim]:
    """The price of privacy in the tail, who pays, and that no network beats the floor."""
    rise = {name: _rise(found, name) for name in ("epsilon 32", "epsilon 8")}
    claims = [
        Claim(
            f"long tail: rise of the error from {PLAIN} to {name}, singletons less subpopulations seen 10 times or more",
            "above 0: the tail pays",
            one.sel(group="1") - one.sel(group=_COMMON),
            above(0.0),
            main=name == "epsilon 8",
        )
        for name, one in rise.items()
    ]
    claims.append(
        Claim(
            "long tail: slope of the test error in the error that follows from what is not fitted, over settings",
            1.0,
            slope(found, "setting"),
        )
    )
    return claims + [claim for name in EPSILONS for claim in _limits(found, floors, name)]


def _rise(found: xr.Dataset, setting: str) -> xr.DataArray:
    group: xr.DataArray = found["group_error"]
    return group.sel(setting=setting) - group.sel(setting=PLAIN)


def _limits(found: xr.Dataset, floors: xr.Dataset, setting: str) -> list[Claim]:
    own, limit = found.sel(setting=setting), floors.sel(setting=setting)
    most = float(known_at_most(float(limit["mu"]), np.array([1]), round(found.attrs["num_classes"]))[0])
    share, asked = own["fitted"] / most, most < CERTAIN
    return [
        Claim(f"long tail, {setting}: share of singletons that are fitted over the largest possible, {most:.3g}", "below 1",
              share, below(1.0) if asked else None, derived=asked),
        Claim(f"long tail, {setting}: test error less the floor", "above 0", own["error"] - limit["floor"], above(0.0),
              derived=True),
    ]  # fmt: skip
