"""Sweeps of the study dp-sgd: Poisson batches, a bank on full batches, audits, an exact attack, and a long tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from memjax import measures, privacy
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import dp_sgd
from memjax.studies.dp_sgd.sizes import (
    CLIPPED,
    DELTA,
    EPSILONS,
    NO_CLIP,
    PLAIN,
    SIZES,
    Lots,
    Setting,
    Size,
    full_batch_settings,
)
from memjax.studies.kit import Sweep
from memjax.subsets import BalancedHalves, LeaveOut
from memjax.tasks import Images, RandomLabels, Subpopulations

__all__ = [
    "EXACT_NOISES",
    "TARGET",
    "canary_experiment",
    "exact_experiment",
    "lots_experiment",
    "sweeps",
    "tail_task",
]

_AXIS = ("clip_norm", "noise_multiplier")
_MOMENTUM, _TAIL_STEPS = 0.9, 100
# Clipping slows training down, so networks with clipping are also trained at ten times the rate.
_FASTER = 10.0
EXACT_NOISES = (1.0, 2.0, 4.0)
"""Noise multipliers of the exact attack; 16 steps together have mu = 4, 2 and 1."""
TARGET = 0
"""Row that the exact attack looks for."""
_EXACT_STEPS = 16
_CANARIES = 300


def sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """All sweeps by name; ``seeds`` counts the networks of the Poisson batches and the data sets of the long tail.

    Raises
    ------
    InputError
        If the package dp-accounting is missing, or there are fewer than two seeds.
    """
    if seeds < 2:
        raise InputError(f"seeds is {seeds}: the study dp-sgd asks for intervals, so give at least 2.")
    size, every = SIZES[scale], range(seeds)
    lots, bank, audit, tail = lots_experiment(size), _bank(size), _audit(size), _tail(size)
    canaries, faster = canary_experiment(), _faster(bank)
    return {
        # The noise of Poisson batches comes first, so that a missing package is named before anything is trained.
        "lots": Sweep(lots, {(*_AXIS, "steps"): _lots_settings(lots, size.lots), "seed": every}),
        "clips": Sweep(*_clips(lots, size.lots, seeds)),
        "bank": Sweep(bank, {_AXIS: full_batch_settings(bank), "seed": range(size.networks)}),
        "faster": Sweep(faster, {_AXIS: _private(faster), "seed": range(2 * (size.networks // 3))}),
        "audit": Sweep(
            audit, {_AXIS: full_batch_settings(audit), ("seed", "subset"): _flips(_wrong(size), size.audits)}
        ),
        "exact": Sweep(
            exact_experiment(),
            {"noise_multiplier": EXACT_NOISES, "left_out": [(), (TARGET,)], "seed": range(size.exact)},
        ),
        "canaries": Sweep(
            canaries,
            {_AXIS: full_batch_settings(canaries), ("seed", "subset"): _flips(range(_CANARIES), size.audits)},
        ),
        "tail": Sweep(tail, {_AXIS: full_batch_settings(tail), "seed": every}),
        "tail_faster": Sweep(_faster(tail), {_AXIS: _private(tail), "seed": every}),
    }


def lots_experiment(size: Size) -> Experiment:
    """A network on Poisson batches, as Abadi et al. train."""
    one = size.lots
    return Experiment(
        task=Images(size.dataset),
        train_size=one.train_size,
        test_size=one.test_size,
        model=MLP(hidden=(one.width,)),
        optimizer=dp_sgd(one.rate, clip_norm=one.clip_norm),
        batch_size=one.batch_size,
        batches="poisson",
        steps=one.steps,
        record_every=one.steps,
        measures=(measures.accuracy.on("train", "test"),),
        snapshots=tuple(one.steps * part // 4 for part in range(5)),
    )


def _lots_settings(experiment: Experiment, lots: Lots) -> dict[str, tuple[float, float, int]]:
    """Clip norm, noise multiplier and steps by the names of settings, with the noise of the accountant or the publication."""
    names = [name for name in EPSILONS if name != "epsilon 32"]
    noises = lots.given or {name: (_poisson_noise(experiment, EPSILONS[name]), lots.steps) for name in names}
    clip, steps = lots.clip_norm, lots.steps
    private = {name: (clip, *noises[name]) for name in names}
    return {PLAIN: (NO_CLIP, 0.0, steps), CLIPPED: (clip, 0.0, steps), **private}


def _poisson_noise(experiment: Experiment, epsilon: float) -> float:
    return privacy.noise_for(experiment, epsilon, DELTA, "pld")


def _clips(experiment: Experiment, lots: Lots, seeds: int) -> tuple[Experiment, Mapping[Any, Any]]:
    """Clip norms and rates at an epsilon of 2."""
    own = replace(experiment, snapshots=(), measures=(measures.accuracy.on("train", "test"),))
    axes = {
        "clip_norm": lots.clips,
        "learning_rate": lots.rates,
        "noise_multiplier": (_poisson_noise(own, 2.0),),
        "seed": range(seeds),
    }
    return own, axes


def _bank(size: Size) -> Experiment:
    """A network on a random half of one data set, with full batches."""
    return Experiment(
        task=Images(size.dataset),
        train_size=size.train_size,
        test_size=size.test_size,
        subset=BalancedHalves(),
        data_seed=0,
        model=MLP(hidden=(size.width,)),
        optimizer=dp_sgd(size.rate, clip_norm=1.0, momentum=_MOMENTUM),
        steps=size.steps,
        record_every=size.steps,
        measures=(measures.accuracy.on("train", "held_out", "test"),),
        examples=("correct", "log_odds"),
    )


def _faster(one: Experiment) -> Experiment:
    """The same networks at a larger rate."""
    rate, clip = (float(one.optimizer.hyperparameters[name]) for name in ("learning_rate", "clip_norm"))
    return replace(one, optimizer=dp_sgd(_FASTER * rate, clip_norm=clip, momentum=_MOMENTUM))


def _private(experiment: Experiment) -> dict[str, Setting]:
    """The settings with clipping, but for the strictest one, at which networks of the larger rate learn nothing."""
    found = full_batch_settings(experiment)
    return {name: found[name] for name in (CLIPPED, *[*EPSILONS][:-1])}


def _audit(size: Size) -> Experiment:
    """A network on rows with true labels, and on those rows with a wrong label that a coin has put in."""
    return replace(
        _bank(size),
        task=_noisy(size),
        train_size=size.audited,
        test_size=min(size.test_size, 297),
        subset=LeaveOut(),
        measures=(measures.accuracy.on("train", "test"),),
        examples=("loss",),
        examples_at=(0, size.steps),
    )


def _noisy(size: Size) -> Images:
    return Images(size.dataset, label_noise=size.wrong, noise_law="incorrect")


def _wrong(size: Size) -> list[int]:
    """Numbers of the rows with a wrong label."""
    task = _noisy(size)
    given = task.draw(0, size.audited, 0)[0]
    wrong: list[int] = np.asarray(given.x)[np.asarray(given.y) != task.clean_targets(0, size.audited)].tolist()
    return wrong


def _flips(canaries: Sequence[int], runs: int) -> list[tuple[int, LeaveOut]]:
    """Seeds with a subset each: a coin of the seed leaves out every canary."""
    coins = [np.random.default_rng(seed).random(len(canaries)) < 0.5 for seed in range(runs)]
    return [(seed, LeaveOut(tuple(np.asarray(canaries)[coin].tolist()))) for seed, coin in enumerate(coins)]


def exact_experiment() -> Experiment:
    """Linear networks that all start at 0, with a rate so small that every step is a release at the same parameters."""
    return Experiment(
        task=RandomLabels(input_dim=9, num_classes=4),
        train_size=30,
        test_size=0,
        subset=LeaveOut(),
        data_seed=0,
        model=MLP(hidden=(), init_scale=0.0),
        optimizer=dp_sgd(1e-6, clip_norm=0.1),
        steps=_EXACT_STEPS,
        record_every=_EXACT_STEPS,
        measures=("loss",),
        snapshots=tuple(range(_EXACT_STEPS + 1)),
    )


def canary_experiment() -> Experiment:
    """The same with canaries alone, which have so many inputs that their gradients are nearly orthogonal."""
    return replace(
        exact_experiment(),
        task=RandomLabels(input_dim=1000, num_classes=4),
        train_size=_CANARIES,
        snapshots=(_EXACT_STEPS,),
    )


def tail_task(size: Size) -> Subpopulations:
    """As many subpopulations as rows, with Zipf frequencies."""
    return Subpopulations(num_subpopulations=size.tail)


def _tail(size: Size) -> Experiment:
    return Experiment(
        task=tail_task(size),
        train_size=size.tail,
        test_size=size.tail_test,
        model=MLP(hidden=(size.tail_width,)),
        optimizer=dp_sgd(size.tail_rate, clip_norm=1.0, momentum=_MOMENTUM),
        steps=_TAIL_STEPS,
        record_every=_TAIL_STEPS,
        measures=(measures.accuracy.on("train", "test"),),
        examples=(measures.by_example("accuracy", on=("data", "test")),),
    )
