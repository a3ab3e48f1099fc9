"""What the study l2-test-loss compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Claim, Column, Columns, Findings, Table, fitted, geometric, grid
from memjax.studies.l2_test_loss import figures, numbers
from memjax.studies.l2_test_loss.numbers import conflict_and_gain, effects

__all__ = ["analyse", "claims", "tables"]

_MEASURES = ["train_loss", "test_loss", "weight_l2", "gradient_cosine", "batch_gradient_cosine"]
_NOT_ANSWERED = "not answered"
_CLAIMED = tuple(numbers.QUESTIONS[i].name for i in (0, 2, 6))
_COMPARED = {"warmup_steps": "the same number of steps", "warmup_rates": "the same summed learning rate"}
_CHANGED = {"test_loss": "final test loss", "weight_l2": "final L2 norm", "cosine": "early (N - 1) cosine of gradients"}


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of the three sweeps."""
    runs, steps = numbers.runs_by_labels(datasets), datasets["warmup"]
    found = {measure: numbers.with_test_loss(runs, measure) for measure in ("weight_l2", "gap")}
    rates = numbers.at_equal_rate(steps[_MEASURES])
    changes = {"warmup_steps": effects(steps), "warmup_rates": effects(rates)}
    return Findings(
        claims=claims(found["weight_l2"], runs.sizes["seed"], changes),
        tables=tables(runs, found, changes),
        figures=figures.all_figures(runs, found["weight_l2"], rates),
        note=_NOTE,
    )


def claims(correlations: xr.Dataset, seeds: int, changes: Mapping[str, xr.Dataset]) -> list[Claim]:
    """The post's two open questions beside what these runs say."""
    made = []
    for labels in correlations["labels"].values.tolist():
        for question in _CLAIMED:
            one = correlations.sel(labels=labels, question=question)
            name = f"Spearman correlation of L2 norm and test loss for {labels} ({question})"
            main = question == _CLAIMED[0] and "alpha" not in labels
            ours = fitted(one, "value", seeds, "interval")
            made.append(Claim(name, _NOT_ANSWERED, ours, remark=_side(*one["interval"].values), main=main))
    return made + [claim for name, compared in _COMPARED.items() for claim in _of_warmup(changes[name], compared)]


def _side(low: float, high: float) -> str:
    side = "higher" if low > 0.0 else "lower" if high < 0.0 else ""
    return f"the test loss is {side} where L2 is larger" if side else "the sign is not told apart"


def _of_warmup(changes: xr.Dataset, compared: str) -> list[Claim]:
    """What warmups change on average over the settings, and in how many settings, at one kind of comparison."""
    at, means = f"with a warmup, at {compared}", changes.mean(["warmup_steps", "peak", "train_size"])
    factor, remark = xr.apply_ufunc(np.exp, means["log_factor"]), _signs(changes["log_factor"])
    main, settings = compared == _COMPARED["warmup_rates"], changes.sizes["peak"] * changes.sizes["train_size"]
    gain = f"Spearman correlation of conflict and gain in train loss {at}"
    return [
        Claim(f"factor of the final train loss {at}", _NOT_ANSWERED, factor, None, "geometric", remark=remark, main=main),
        *(
            Claim(f"change of the {what} {at}", _NOT_ANSWERED, means[name], remark=_signs(changes[name]))
            for name, what in _CHANGED.items()
        ),
        Claim(gain, _NOT_ANSWERED, conflict_and_gain(changes), remark=f"over {settings} settings"),
    ]  # fmt: skip


def _signs(change: xr.DataArray) -> str:
    low, high = analysis.mean_interval(change)["mean_interval"].transpose("bound", ...).values
    return f"lower in {int((high < 0).sum())}, higher in {int((low > 0).sum())} of {low.size} settings"


def tables(runs: xr.Dataset, found: Mapping[str, xr.Dataset], changes: Mapping[str, xr.Dataset]) -> dict[str, Table]:
    """All correlations, losses by train size, and what every warmup changes."""
    by_labels = {name: _of_labels(name, runs.sizes["seed"]) for name in runs["labels"].values.tolist()}
    axes = {"labels": "labels", "train_size": "N"}
    made = {
        name: grid(found[measure], {"question": "compared"}, by_labels, title=_CORRELATION.format(what), note=_COMPARISONS)
        for name, measure, what in (("l2", "weight_l2", "L2 norm"), ("gap", "gap", "gap of the L2 norm"))
    }  # fmt: skip
    made["losses"] = grid(numbers.ends(runs), axes, _LOSSES, title="After the last step", note=_LOSSES_NOTE)
    axes = {"peak": "rate", "train_size": "N", "warmup_steps": "warmup"}
    for name, compared in _COMPARED.items():
        change = changes[name].assign(factor=np.exp(changes[name]["log_factor"]))
        title = f"What a warmup changes, at {compared} (early: up to {change.attrs['early']:g} steps)"
        made[name] = grid(change, axes, _EFFECTS, title=title, note=_EFFECTS_NOTE)
    return made


def _of_labels(name: str, seeds: int) -> Column:
    return lambda one: fitted(one.sel(labels=name), "value", seeds, "interval")


_CORRELATION = "Spearman correlation of {} with test loss"
_LOSSES: Columns = {
    "gap of L2": "gap",
    "train loss": "train_loss",
    "test loss": "test_loss",
    "lowest test loss": "lowest",
    "best guess without the input": lambda one: float(one["floor"]),
}
_EFFECTS: Columns = {
    "(N - 1) cosine without": "without",
    "(N - 1) cosine": "cosine",
    "cosine of batches": "batch_cosine",
    "train loss, factor": geometric("factor"),
    "test loss": "test_loss",
    "L2": "weight_l2",
}
_NOTE = (
    "Numbers on warmups are means over all settings (rate, train size and length of the warmup) of the differences to the run "
    "without warmup, with counts of the settings whose own 95% interval lies below or above no change. Random labels cannot be "
    "learned: the test loss is least for the best guess that ignores the input and grows with the logits, and L2 is one more "
    "measure of how far the network has moved from that guess. A correlation there says nothing on generalisation; it can "
    "where labels can be learned. Where a warmup lowers the test loss and raises the train loss, the run has only moved less "
    "far. No correlation here says what causes what: settings with more conflict differ in rate and size too."
)
_COMPARISONS = (
    "Intervals are 95% ones by leaving out one seed at a time; they hold for these sizes and steps only. Within groups, "
    'ranks are taken inside each group and pooled; "given train loss" takes out what its ranks explain. Records of one '
    "run follow each other: they are no independent evidence, and the intervals do not treat them as such."
)
_LOSSES_NOTE = (
    "Losses are in nats. Of labels drawn independently of the inputs no network has an expected test loss below the "
    "entropy of their law (ln C where it is uniform). A test set of 1000 scatters about it, and the lowest of many "
    "records is biased down."
)
_EFFECTS_NOTE = (
    "The cosine is the mean over pairs of train examples of the cosine of their gradients, over the early records, times "
    "N - 1: at -1 gradients cancel, and at 0 they are unrelated. That of batches is the same between batches of 25 "
    "examples, without the factor. All but the first are differences to the run without warmup with the same seed, data "
    "and initial parameters, with 95% intervals over seeds; every twentieth excludes no change by chance. A positive "
    "change of a cosine is less conflict."
)
