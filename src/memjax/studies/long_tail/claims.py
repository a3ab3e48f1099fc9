"""What the study long-tail compares."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax import analysis
from memjax.studies.kit import Claim, Estimate, Findings, above, below, between, fitted
from memjax.studies.long_tail import figures, numbers, scores, tables
from memjax.studies.long_tail.numbers import strong, weak
from memjax.studies.long_tail.tables import LEARNERS
from memjax.tasks import Subpopulations

__all__ = ["analyse", "bank_claims", "exact_claims", "price_claims", "sample_claims", "singleton_claims"]

_PUBLISHED_SIZE = 50_000
_COMMON = "10 or more"
_NEARLY = 0.01


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all learners, and of the bank."""
    rows = datasets["members"]
    tail, sample = numbers.tail_of(rows), numbers.sampled(rows, most=10)
    found = {name: numbers.of_runs(numbers.by_setting(datasets[name]), rows, tail) for name in LEARNERS}
    bank = scores.paired(datasets["bank"].isel(example_step=-1, drop=True), rows)
    return Findings(
        claims=[
            *exact_claims(),
            *sample_claims(sample, tail),
            *price_claims(found),
            *singleton_claims(found["decay"], rows.attrs["num_classes"]),
            *bank_claims(bank),
        ],
        tables={
            "learners": tables.learners(found),
            "groups": tables.groups(found),
            "sums": tables.sums(sample, tail),
            "scores": tables.scores(bank),
        },
        figures=figures.all_figures(found, rows, sample, tail, bank),
        note=_NOTE,
        datasets={f"{name}_numbers": one for name, one in found.items()},
    )


def exact_claims() -> list[Claim]:
    """The sums at the paper's size, which stand beside sums that were computed apart."""
    frequencies = Subpopulations(num_subpopulations=_PUBLISHED_SIZE).frequencies()
    once = analysis.long_tail(frequencies, _PUBLISHED_SIZE).sel(times_seen=1)
    parts = {
        "share of the sample that are singletons": (once["share"], "0.1704"),
        "n times the price of a singleton": (_PUBLISHED_SIZE * once["price"], "0.4717"),
        "mass of the singletons": (once["mass"], "0.0804"),
    }
    return [
        Claim(f"n = N = 50,000: {what}", None, _exact(value), remark=f"{apart} in a sum that was computed apart")
        for what, (value, apart) in parts.items()
    ]


def _exact(value: xr.DataArray) -> Estimate:
    return Estimate(float(value), float(value), float(value))


def sample_claims(sample: xr.Dataset, tail: xr.Dataset) -> list[Claim]:
    """Singletons and unseen subpopulations of the train sets beside the exact sums."""
    parts = {
        "train sets: share of the rows that are singletons": ("share", 1),
        "train sets: mass of the singletons": ("mass", 1),
        "train sets: mass of the subpopulations that are not seen": ("mass", 0),
    }
    found = []
    for what, (name, times) in parts.items():
        exact = round(float(tail[name].sel(times_seen=times)), 4)
        found.append(Claim(what, exact, sample[name].sel(times_seen=times)))
    return found


def price_claims(found: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Whether the test error follows from what is not fitted, for every learner."""
    claims = []
    for name, learner in LEARNERS.items():
        one = found[name]
        slope = f"{learner.title}: slope of the test error in the predicted error"
        more = f"{learner.title}: test error less the predicted error, mean over settings"
        above_it = (one["error"] - one["predicted"]).mean(learner.axis)
        exact = name == "nearest"
        asked = ("0: the bound is reached", between(-_NEARLY, _NEARLY)) if exact else ("0 or more: a bound", above(0.0))
        claims += [
            Claim(slope, 1.0, numbers.slope(one, learner.axis), main=name == "decay"),
            Claim(more, asked[0], above_it, asked[1], main=exact),
        ]
    return claims


def singleton_claims(found: xr.Dataset, num_classes: int) -> list[Claim]:
    """Errors on singletons that are fitted and not, and what weight decay costs on rare and on common subpopulations."""
    guess = 1 - 1 / num_classes
    fits, others = (found[name].mean("weight_decay") for name in ("error_if_fitted", "error_if_not"))
    hard, free = strong(found, "weight_decay"), weak(found, "weight_decay")
    at = f"weight decay {float(hard['weight_decay']):g} against {float(free['weight_decay']):g}"
    rise = hard["group_error"] - free["group_error"]
    once, common = (rise.sel(group=group) for group in ("1", _COMMON))
    price = f"{at}: rise of the test error"
    return [
        Claim("test error of singletons that are fitted, mean over weight decays", "low", fits, below(guess / 2)),
        Claim("test error of singletons that are not fitted, mean over weight decays", guess, others),
        Claim(price, "above 0", hard["error"] - free["error"], above(0.0), main=True),
        Claim(f"{price} on subpopulations seen 10 times or more", "about 0", common, between(-_NEARLY, _NEARLY)),
        Claim(
            f"{price} on singletons less that on subpopulations seen 10 times or more",
            "above 0",
            once - common,
            above(0.0),
        ),
    ]


def bank_claims(bank: xr.Dataset) -> list[Claim]:
    """Memorisation scores by how often the subpopulation of a row is in the data set."""
    pairs, means = bank.sizes["pair"], scores.by_times(bank, (1, 2, 3))
    found = []
    for times in means["times"].values.tolist():
        one = means.sel(times=times)
        what = f"mean memorisation score of rows whose subpopulation is {times} time{'s' * (times > 1)} in the data set"
        found.append(
            Claim(what, round(float(one["lookup"]), 4), fitted(one, "value", pairs, "interval"), main=times == 1)
        )
    ranks = analysis.jackknife(scores.rank_correlation, bank, "pair")
    what = "rank correlation of the memorisation score and the times that the subpopulation is in the data set"
    return [
        *found,
        Claim(what, "below 0: rare rows are memorised", fitted(ranks, "value", pairs, "interval"), below(0.0)),
    ]


_NOTE = (
    "The paper's own numbers could not be read. Numbers in the published column are those that the paper's model gives for the "
    "frequencies and sizes here: exact sums over Zipf frequencies, the sum of prices of what is not fitted, and the scores of "
    "a learner that looks up subpopulations. Every seed has its own centres, labels, rows and networks. Predicted error: a "
    "guess about the subpopulations that the train set lacks, and for every subpopulation seen l times that is wrong on the "
    "train set the price tau_l. Scores of the bank are of 64 networks on one data set; their intervals are jackknife ones over "
    "pairs of complementary halves."
)
