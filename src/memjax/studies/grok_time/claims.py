"""What the study grok-time compares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.grok_time import figures, numbers
from memjax.studies.grok_time.numbers import PUBLISHED, at_least, between, percent, slopes
from memjax.studies.grok_time.tables import LABELS, tables
from memjax.studies.kit import Claim, Estimate, Findings, Within, above, fitted, geometric_mean, ratio

__all__ = ["analyse", "claims", "near_threshold"]

_LEAST_SEEDS = 4
_PAIRS = ((0.8, 0.6), (0.6, 0.5), (0.5, 0.4), (0.4, 0.3))
_HALF = 0.5


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of the train fractions and of one knob at a time."""
    whole = numbers.merged(datasets["fractions"], datasets["early"])
    accuracy, loss = (numbers.times(whole, by) for by in ("accuracy", "loss"))
    laws, found = (law(accuracy["t_test"], float(whole["step"][-1])) for law in (analysis.growth, numbers.thresholds))
    varied = {name: numbers.times(datasets[name]).rename({name: "knob"}) for name in LABELS if name in datasets}
    return Findings(
        claims=claims(accuracy, loss, laws, found),
        tables=tables(accuracy, loss, laws, found, varied),
        figures=figures.all_figures(accuracy, found, laws, varied),
        note=_NOTE,
        datasets={"times": accuracy, "times_by_loss": loss, "laws": laws},
    )


def claims(accuracy: xr.Dataset, loss: xr.Dataset, laws: xr.Dataset, found: xr.Dataset) -> list[Claim]:
    """Published numbers beside ours."""
    known = set(accuracy["train_size"].values.tolist())
    return [
        *_ends(accuracy),
        *(_slope(accuracy, high, low) for high, low in _PAIRS if {high, low} <= known),
        *_growth(laws, found),
        *_thresholds(found),
        *_definitions(accuracy, loss),
    ]


def _ends(found: xr.Dataset) -> list[Claim]:
    """Both times at the ends of the fractions."""
    few, many = found.isel(train_size=0, drop=True), found.isel(train_size=-1, drop=True)
    low, high = found["train_size"].values[[0, -1]]
    fit = ratio(between(many, "t_train"), between(few, "t_train"))
    grok = ratio(at_least(few, "t_test"), at_least(many, "t_test"))
    fits, groks = f"time to fit, fraction {high:g} over {low:g}", f"time to grok, fraction {low:g} over {high:g}"
    return [
        Claim(fits, "hardly changes: 244 to 323 steps", fit, of="geometric"),
        Claim(groks, "grows: 279 to 8258 steps", grok, above(1.0), "geometric", remark=_never(few)),
    ]


def _never(one: xr.Dataset) -> str:
    never = int((one["t_test"] == np.inf).sum())
    return f"at least, for {never} of {one.sizes['seed']} seeds never grok" if never else ""


def _slope(found: xr.Dataset, high: float, low: float) -> Claim:
    theirs = percent(xr.DataArray(np.log(PUBLISHED[high] / PUBLISHED[low]) / (high - low))).item()
    what = f"more steps to grok per 1% less data, from the fraction {high:g} to {low:g}"
    remark = _never(found.sel(train_size=low))
    return Claim(what, round(theirs, 1), slopes(found, high, low), units="%", remark=remark)


def _growth(laws: xr.Dataset, found: xr.Dataset) -> list[Claim]:
    best, seeds = laws.isel(law=int(laws["weight"].values.argmax())), found.sizes["seed"]
    name, draws = best["law"].item(), f"best in {100.0 * float(best['share']):.0f}% of the draws"
    curved, weight = _enough(fitted(laws, "curvature", seeds)), Estimate(float(best["weight"]), count=seeds)
    curvature = "curvature of log time in the fraction, d² log T / dx²"
    at, near = near_threshold(best, found)
    slope = f"more steps per 1% less data near the threshold, at {at:g} by the {name}"
    return [
        Claim(curvature, "above 0: superexponential", curved, above(0.0), main=True),
        Claim(f"weight of the best law, {name}", "not given", weight, remark=draws),
        Claim(slope, (40.0, 50.0), near, units="%", main=True),
    ]


def near_threshold(law: xr.Dataset, found: xr.Dataset) -> tuple[float, Estimate]:
    """Smallest fraction at which half of the runs grok, and percent more steps per 1% less data there by a law."""
    half = found["groks"].isel(steps=-1).mean("seed") >= _HALF
    if not bool(half.any()):
        return float("nan"), Estimate(float("nan"), count=0)
    one = law.isel(train_size=int(half.argmax("train_size")))
    ends = {"more": percent(one["slope"]), "more_interval": percent(one["slope_interval"].isel(bound=[1, 0]))}
    return float(one["train_size"]), _enough(fitted(xr.Dataset(ends), "more", found.sizes["seed"]))


def _enough(one: Estimate) -> Estimate:
    """A bootstrap of fewer seeds says more of which seeds there are than of the number."""
    return one if one.count >= _LEAST_SEEDS else Estimate(one.value, count=one.count)


def _thresholds(found: xr.Dataset) -> list[Claim]:
    own, least = found["threshold"], float(found["train_size"][0])
    never = 1.0 - found["groks"].isel(steps=-1, train_size=0)
    what, moved = "smallest fraction that groks within", own.isel(steps=-1) - own.isel(steps=0)
    failing = f"share of runs that never grok at the fraction {least:g}"
    return [
        Claim(failing, "all, below a threshold", never, above(_HALF), "share", main=True),
        *(Claim(f"{what} {one['steps']:g} steps", "0.25 to 0.3 (p = 97)", one) for one in own.transpose("steps", ...)),
        Claim(f"{what} all steps, less that within a quarter of them", "not given", moved),
    ]


def _definitions(accuracy: xr.Dataset, loss: xr.Dataset) -> list[Claim]:
    """Both definitions of grokking, of the runs that generalise, and what another criterion gives."""
    there, by_loss = (found["reached"] == 1.0 for found in (accuracy, loss))
    what, remark = "share of the runs that generalise that do so", f"of {int(there.sum())} runs"
    flags = accuracy["outcome"] == "grokked", accuracy["sudden"]
    late, sudden = (flag.where(there).mean("train_size") for flag in flags)
    over = ratio(between(loss, "t_test"), between(accuracy, "t_test"))
    means = Within(*(geometric_mean(part.where(np.isfinite(over.found)), "train_size") for part in over))
    counts = f"{int(by_loss.sum())} runs get there by loss, {int(there.sum())} by accuracy"
    criteria = "time to a test loss of 0.01 over time to a test accuracy of 0.99"
    return [
        Claim(f"{what} late: at least twice the time to fit", "yes", late, above(_HALF), remark=remark),
        Claim(f"{what} suddenly", "yes", sudden, above(_HALF), remark=remark),
        Claim(criteria, "not given", means, of="geometric", remark=counts),
    ]


_NOTE = (
    "Times are in steps, by accuracy 0.99 if not said otherwise; times and their ratios are geometric means. Runs that never "
    "grok bound a ratio or slope from below, and count in the laws as longer than the budget. Published times are of addition "
    "mod 113 in a one-layer transformer with AdamW at 0.001, one run each, to a test loss of 0.01; 40 to 50% and 0.25 to 0.3 "
    "are of division mod 97 in a two-layer one. Ours differs in modulus, network and rate (see the settings): slopes per 1% "
    "and shapes can be laid beside theirs, steps cannot."
)
