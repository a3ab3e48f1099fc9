"""What the study ungrokking compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.experiment import Experiment
from memjax.studies.kit import Claim, Columns, Estimate, Findings, Table, above, below, between, fitted, geometric, grid
from memjax.studies.ungrokking import figures, numbers

__all__ = ["analyse", "claims", "tables"]

_PARTLY = (0.1, 0.9)
# What a mean accuracy may still change in the last fifth of the steps.
_STILL = 0.05
_SHARP = 2.0
_NONE = Estimate(float("nan"), count=0)


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of the networks that go on with fewer examples, and of those that had few from scratch."""
    grokked = datasets["grokked"]
    continued, scratch = numbers.unfolded(datasets["continued"], grokked), datasets["scratch"][["test_accuracy"]]
    found = numbers.critical_sizes(continued)
    return Findings(
        claims=claims(grokked, continued, scratch, found),
        tables=tables(continued, scratch, found),
        figures=figures.all_figures(continued, scratch, found),
        note=_NOTE,
        datasets={"critical_sizes": found},
    )


def claims(grokked: xr.Dataset, continued: xr.Dataset, scratch: xr.Dataset, found: xr.Dataset) -> list[Claim]:
    """Published claims beside ours, those on networks that went on for every learning rate."""
    had = analysis.last(grokked["test_accuracy"]) >= numbers.LEARNED
    size = Experiment.from_json(grokked.attrs["experiment"]).sizes()[0]
    what = f"share of the networks with {size} examples whose test accuracy reaches {numbers.LEARNED:g}"
    count = f"{int(had.sum())} of {had.size} networks"
    rates = continued["learning_rate"].values.tolist()
    pairs = [(continued.sel(learning_rate=rate), found.sel(learning_rate=rate)) for rate in rates]
    return [
        Claim(what, "they generalise", had, above(0.5), "share", remark=count),
        *(claim for runs, sizes in pairs for claim in _of_rate(runs, sizes, min(rates))),
        *_of_scratch(scratch, found["half"].sel(learning_rate=min(rates), weight_decay=1.0)),
    ]


def _of_rate(continued: xr.Dataset, found: xr.Dataset, lowest: float) -> list[Claim]:
    """Claims on the networks that went on at one learning rate."""
    end, rate = continued["test_accuracy"].isel(step=-1), continued["learning_rate"].item()
    few, all_of_them = (end.isel(train_size=place).mean("weight_decay", skipna=False) for place in (0, -1))
    sizes = end["train_size"].values.tolist()
    at, went = f"rate {rate:g}", "test accuracy after going on with"
    steep, sharp = f"size for 90% right over size for 10% right, {at}", numbers.transition(found)
    return [
        Claim(f"{went} {sizes[0]} of the {sizes[-1]} examples, {at}", "low", few, below(0.5), main=rate == lowest),
        Claim(f"{went} all {sizes[-1]} examples, {at}", "stays perfect", all_of_them, above(numbers.LEARNED)),
        Claim(steep, "sharp; we ask: below 2", sharp, below(_SHARP), "geometric"),
        *_independent(found, at),
        *_partial(continued["test_accuracy"], f"going on with fewer examples, {at}"),
    ]


def _independent(found: xr.Dataset, at: str) -> list[Claim]:
    """The critical size must not depend on weight decay, least of all where no network ever falls off its train set."""
    end, what = found["half"].isel(step=-1), "factor on D_crit per doubling of weight decay"
    steady = end.isel(weight_decay=np.flatnonzero((found["unfitted"] == 0.0).values))
    names = ", ".join(f"{decay:g}" for decay in steady["weight_decay"].values) or "none"
    kept = numbers.doubling(steady) if steady.sizes["weight_decay"] > 1 else _NONE
    equal, fits = numbers.at_equal_decay(found["half"]), "where the train set stays fitted"
    return [
        Claim(f"{what}, {at}", 1.0, numbers.doubling(end), of="geometric", main=True),
        Claim(f"{what}, {fits}, {at}", 1.0, kept, of="geometric", remark=f"weight decays {names}"),
        Claim(f"{what}, after equal steps x weight decay, {at}", 1.0, numbers.doubling(equal), of="geometric"),
    ]


def _partial(accuracy: xr.DataArray, which: str) -> list[Claim]:
    """Whether single runs are partly right at the sizes at which their mean is, and whether they have stopped changing."""
    others = [str(dim) for dim in accuracy.dims if dim not in ("train_size", "step")]
    sizes = np.flatnonzero(_partly(accuracy.isel(step=-1).mean(others)))
    near = accuracy.isel(train_size=sizes)
    last, names = near.isel(step=-1), ", ".join(map(str, near["train_size"].values)) or "none"
    flags = _partly(last).where(last.notnull())
    changes = numbers.change(near).mean([dim for dim in last.dims if dim != "seed"])
    remark, what = f"{int(flags.sum())} of {int(flags.count())} runs, sizes {names}", f"at sizes near D_crit, {which}"
    part, still = f"share of runs that generalise in part {what}", f"change of test accuracy in the last fifth {what}"
    return [
        Claim(part, "some: semi-grokking", flags if sizes.size else _NONE, above(0.5), "share", remark=remark),
        Claim(still, "none; we ask: at most 0.05", changes if sizes.size else _NONE, between(-_STILL, _STILL)),
    ]


def _partly(accuracy: xr.DataArray) -> xr.DataArray:
    return (accuracy > _PARTLY[0]) & (accuracy < _PARTLY[1])


def _of_scratch(scratch: xr.Dataset, going_on: xr.DataArray) -> list[Claim]:
    half, what = numbers.size_for(scratch["test_accuracy"]), "size for half right, from scratch"
    end, late = half.isel(step=-1), 2.0 ** numbers.change(xr.DataArray(np.log2(half)))
    over = end / going_on.isel(step=-1)
    return [
        *_partial(scratch["test_accuracy"], "from scratch"),
        Claim(what, "not given", end, of="geometric"),
        Claim(f"{what}, at the end over that at four fifths of the steps", "not given", late, of="geometric"),
        Claim(f"{what}, over that when going on, after the same steps", 1.0, over, of="geometric"),
    ]


def tables(continued: xr.Dataset, scratch: xr.Dataset, found: xr.Dataset) -> dict[str, Table]:
    """Critical sizes by weight decay, and test accuracies by train size."""
    end = found.assign(half=found["half"].isel(step=-1))
    columns: Columns = {
        "D_crit, half right": geometric("half"),
        "D_crit, logistic fit": lambda one: fitted(one, "fitted", one.sizes["seed"]),
        "its 10-90% factor": lambda one: fitted(one, "sharpness", one.sizes["seed"]),
        "last fifth": geometric("late"),
        "not fitted (%)": lambda one: 100.0 * float(one["unfitted"]),
    }
    axes, sizes = {"learning_rate": "rate", "weight_decay": "weight decay"}, {"train_size": "N"}
    title, accuracy = "Test accuracy at the end", {"test accuracy": "test_accuracy"}
    going_on, fresh = continued.isel(step=-1), scratch.isel(step=-1)
    return {
        "critical": grid(end, axes, columns, title="Critical train size", note=_CRITICAL_NOTE),
        "sizes": grid(going_on, axes | sizes, accuracy, title=f"{title}, going on with N examples"),
        "scratch": grid(fresh, sizes, accuracy, title=f"{title}, from scratch"),
    }


_NOTE = (
    "D_crit is the train size from which on half of the test pairs are right; not known where it does not lie inside the sizes "
    "that were run, or the network had not grokked. Sizes and ratios are geometric means. Test pairs are in no train set, for "
    "the small train sets are parts of the large one. The optimizer begins anew when the data change. Adam with little decay "
    "jumps off the train set for a while, so the factor is given without such weight decays too. Sizes near D_crit are those "
    "with a mean test accuracy of 0.1 to 0.9; runs at several sizes share a seed, so the interval of their share is too "
    "narrow. At the quick scale a rate of 0.01 was tried first, with fewer steps, and weight decay moved D_crit; 0.005 was "
    "chosen after a look at that. From scratch there is the lowest rate alone. The published sizes belong to a transformer and "
    "p = 113."
)
_CRITICAL_NOTE = (
    "The size for half right is a geometric mean. The logistic fit is 1 / (1 + exp((c - log2 N) / w)) through the mean "
    "accuracies, with bootstrap intervals. The last fifth is D_crit at the end over that at four fifths of the steps. Not "
    "fitted is the share of the records after the first two in which the train accuracy is below 1."
)
