"""Numbers of the study l2-test-loss: rank correlations of the L2 norm with the test loss, and what warmups change."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.tasks import Arrays, RandomLabels, from_arrays

__all__ = [
    "CLASSES", "DIM", "QUESTIONS", "TEST_SIZE", "at_equal_rate", "conflict_and_gain", "effects", "ends", "linear_teacher",
    "runs_by_labels", "scaled", "with_test_loss",
]  # fmt: skip

DIM, CLASSES = 9, 17
TEST_SIZE = 1000


class Question(NamedTuple):
    """Which runs are compared: within which groups, at which records, and with what held fixed."""

    name: str
    groups: tuple[str, ...] = ()
    last: bool = True
    given: tuple[str, ...] = ()


QUESTIONS = (
    Question("all runs, last record"),
    Question("all runs, given train loss", given=("train_loss",)),
    Question("within a train size, between seeds", ("train_size",)),
    Question("within a train size, given train loss", ("train_size",), given=("train_loss",)),
    Question("all runs, all records", last=False),
    Question("within a train size and step, between seeds", ("train_size", "step"), last=False),
    Question("along training, within a run", ("train_size", "seed"), last=False),
)


def linear_teacher(rows: int) -> Arrays:
    """Labels that can be learned: the largest of 17 fixed linear functions of the input, the same for every seed.

    Parameters
    ----------
    rows
        Train examples to draw from.
    """
    rng = np.random.default_rng(17)
    directions = rng.standard_normal((DIM, CLASSES))
    directions /= np.linalg.norm(directions, axis=0)
    x = rng.standard_normal((rows + TEST_SIZE, DIM), dtype=np.float32)
    y = (x @ directions).argmax(axis=1).astype(np.int32)
    return from_arrays(x[:rows], y[:rows], x_test=x[rows:], y_test=y[rows:])


def runs_by_labels(datasets: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Losses, L2 norm and its gap since step 0 ``(labels, train_size, seed, step)``, without step 0.

    ``floor`` ``(labels,)``: loss of the best guess that ignores the input.
    """
    alphas = datasets["random"]["alpha"].values.tolist()
    names = ["uniform random labels" if alpha == 0 else f"power-law random labels, alpha {alpha:g}" for alpha in alphas]
    parts = [datasets["random"].sel(alpha=alpha, drop=True) for alpha in alphas]
    laws = [RandomLabels(num_classes=CLASSES, labels="power", alpha=alpha).label_probabilities() for alpha in alphas]
    counts = np.bincount(linear_teacher(10_000).y, minlength=CLASSES)
    floors = [float(-chances @ np.log(chances)) for chances in (*laws, counts / counts.sum())]
    kept = [
        part[["train_loss", "test_loss", "weight_l2"]].reset_coords(drop=True) for part in (*parts, datasets["teacher"])
    ]
    runs = xr.concat(kept, xr.Variable("labels", [*names, "labels of a linear teacher"]))
    runs = runs.transpose("labels", "train_size", "seed", "step")
    runs = runs.assign(gap=runs["weight_l2"] - analysis.first(runs["weight_l2"]), floor=("labels", floors))
    return runs.isel(step=slice(1, None))


def with_test_loss(runs: xr.Dataset, measure: str) -> xr.Dataset:
    """Spearman correlation of a measure with the test loss, and its interval by leaving out one seed at a time.

    ``value`` and ``interval`` are ``(labels, question)``, NaN where nothing varies.
    """
    runs, names = runs.drop_vars("floor"), runs["labels"].values.tolist()
    ask = [partial(_asked, measure, question) for question in QUESTIONS]
    found = [[analysis.jackknife(one, runs.sel(labels=name, drop=True)) for one in ask] for name in names]
    correlations = xr.combine_nested(found, ["labels", "question"])[["value", "interval"]]
    correlations = correlations.assign_coords(labels=names, question=[question.name for question in QUESTIONS])
    return correlations.assign(interval=correlations["interval"].clip(-1.0, 1.0))


def _asked(measure: str, question: Question, runs: xr.Dataset) -> float:
    at = runs.isel(step=-1) if question.last else runs
    given = [at[name] for name in question.given]
    return analysis.rank_correlation(at[measure], at["test_loss"], question.groups, given)


def ends(runs: xr.Dataset) -> xr.Dataset:
    """Gap and losses at the last record, and the lowest test loss of all records, ``(labels, train_size, seed)``."""
    last = runs[["gap", "train_loss", "test_loss", "floor"]].isel(step=-1, drop=True)
    return last.assign(lowest=runs["test_loss"].min("step", skipna=False))


def at_equal_rate(runs: xr.Dataset) -> xr.Dataset:
    """Records at equal sums of learning rates, in steps at the full rate, as far as all warmups of a sweep get.

    A run with a warmup of w steps is w / 2 of them behind, and would seem to have learned less for no other reason.
    """
    steps = np.arange(int(runs["step"][-1]) + 1)
    done = {length: _done(steps, length) for length in runs["warmup_steps"].values.tolist()}
    at = runs["step"].values
    at = at[at <= min(total[-1] for total in done.values())]
    parts = []
    for length, total in done.items():
        own_steps = xr.DataArray(np.interp(at, total, steps), {"sum": at}, "sum")
        parts.append(runs.sel(warmup_steps=length).interp(step=own_steps).drop_vars("step").rename(sum="step"))
    equal = xr.concat(parts, "warmup_steps")
    equal["step"].attrs = {"long_name": "summed learning rate / its peak", "units": "steps"}
    return equal


def _done(steps: np.ndarray, length: float) -> np.ndarray:
    """Sum of the rates before each step, over their peak: warmup starts at a rate of 0."""
    share = np.where(steps < length, steps / max(length, 1), 1.0)
    return np.concatenate([[0.0], np.cumsum(share[:-1])])


def effects(runs: xr.Dataset) -> xr.Dataset:
    """What each warmup changes against none, by ``warmup_steps``, ``peak``, ``train_size`` and ``seed``.

    Changes are those of the logarithm of the final train loss, of the other final numbers, and of the cosines, averaged over
    records up to the attribute ``early``; ``without`` is the cosine without a warmup.
    """
    start, last = (float(runs["step"][place]) for place in (1, -1))
    stop = max(0.2 * last, start)
    early = analysis.mean.between(start, stop)
    numbers = runs[["test_loss", "weight_l2"]].map(analysis.last).assign(
        log_factor=np.log(analysis.last(runs["train_loss"])),
        cosine=early(scaled(runs["gradient_cosine"])),
        batch_cosine=early(runs["batch_gradient_cosine"]),
    ).reset_coords(drop=True)  # fmt: skip
    none = numbers.sel(warmup_steps=0, drop=True)
    changes = (numbers - none).drop_sel(warmup_steps=0)
    return changes.assign(without=none["cosine"]).assign_attrs(early=stop)


def scaled(cosine: xr.DataArray) -> xr.DataArray:
    """Cosine in units in which N gradients that cancel have -1 at every train size N; their mean cosine is -1 / (N - 1)."""
    name = "(N - 1) mean cosine between gradients of examples"
    return (cosine * (cosine["train_size"] - 1)).assign_attrs(long_name=name)


def conflict_and_gain(changes: xr.Dataset) -> xr.DataArray:
    """Spearman correlation, over rates and sizes, of conflict without warmup with what warmups gain, ``(seed,)``."""
    gain = -changes["log_factor"].mean("warmup_steps")
    conflict, seeds = -changes["without"], changes["seed"].values
    each = [analysis.rank_correlation(conflict.sel(seed=seed), gain.sel(seed=seed)) for seed in seeds]
    return xr.DataArray(each, {"seed": seeds}, dims="seed")
