"""Sweeps of the study memorizing-circuits: networks that share a data set, an initial state or an order of batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import xarray as xr

from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import sgd
from memjax.studies.kit import Sweep
from memjax.studies.memorizing_circuits.pairs import by_modulus, by_size, settled
from memjax.studies.memorizing_circuits.parts import LinearisedMLP
from memjax.tasks import RandomLabels
from memjax.types import Model

__all__ = [
    "LINEAR",
    "LOSSES",
    "ON_PAIRS",
    "RATES",
    "SETTLED",
    "SIZES",
    "SLOW",
    "SLOW_RATES",
    "Size",
    "further",
    "sweeps",
]

LOSSES = ("cross_entropy", "one_hot_mse")
"""Losses by their names in an experiment; the sweeps have the same names."""
LINEAR = "_linear"
"""What follows the name of a loss in the name of the sweep of linearised networks."""
SLOW = "_slow"
"""What follows the name of a loss in the name of the sweep of networks on all points at a small rate."""
ON_PAIRS, SETTLED = ("sizes", "primes"), "_settled"
"""Sweeps of networks on pairs of residues, and what follows their names where they are trained to a minimum."""
RATES = {"cross_entropy": 0.3, "one_hot_mse": 0.6}
"""Learning rates by loss; the squared error is averaged over the outputs, so that its gradients are smaller."""
SLOW_RATES = {"cross_entropy": 0.03, "one_hot_mse": 0.04}
"""Small rates of descent on all points; the first step moves the outputs equally far (root mean square) under both losses."""


class Size(NamedTuple):
    """One scale: points, classes, inputs, hidden units; starts and orders of a data set; and the rest."""

    points: int
    classes: int
    inputs: int
    hidden: int
    starts: int
    orders: int
    batch: int
    steps: int
    slow_steps: int
    often: int
    snapshots: tuple[int, ...]
    modulus: int
    sizes: tuple[int, ...]
    primes: tuple[int, ...]
    widths: tuple[int, int]
    coefficient_steps: int
    coefficient_seeds: int

    def records(self, steps: int) -> tuple[int, ...]:
        """Steps at which points are asked: all steps at first, and later every few steps."""
        return (*range(self.often), *range(self.often, steps + 1, 4))


SIZES = {
    "quick": Size(
        points=96,
        classes=16,
        inputs=16,
        hidden=128,
        starts=3,
        orders=3,
        batch=12,
        steps=1000,
        slow_steps=2000,
        often=200,
        snapshots=(0, 8, 40, 200),
        modulus=11,
        sizes=(12, 24, 48, 72, 96, 120),
        primes=(11, 13, 17, 19),
        widths=(32, 64),
        coefficient_steps=1500,
        coefficient_seeds=3,
    )
}
"""Scales by their names."""


def sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """Networks whose points are followed, by loss, and networks whose learning coefficient is estimated."""
    size = SIZES[scale]
    runs = [
        (seed, size.starts * seed + start, size.orders * seed + order)
        for seed, start, order in product(range(seeds), range(size.starts), range(size.orders))
    ]
    # Slow and linearised networks see all points in every step, so that one order stands for all.
    every: dict[str | tuple[str, ...], Sequence[Any]] = {("seed", "init_seed", "batch_seed"): runs}
    one: dict[str | tuple[str, ...], Sequence[Any]] = {("seed", "init_seed", "batch_seed"): runs[:: size.orders]}
    first: dict[str | tuple[str, ...], Sequence[Any]] = {
        ("seed", "init_seed", "batch_seed"): runs[:: size.starts * size.orders]
    }
    few = min(seeds, size.coefficient_seeds)
    return {
        **{loss: Sweep(_followed(size, loss), every) for loss in LOSSES},
        **{f"{loss}{LINEAR}": Sweep(_slow(size, loss, LinearisedMLP(hidden=(size.hidden,))), one) for loss in LOSSES},
        **{f"{loss}{SLOW}": Sweep(_slow(size, loss, MLP(hidden=(size.hidden,))), first) for loss in LOSSES},
        "sizes": by_size(size.modulus, size.sizes, size.widths[0], size.coefficient_steps, few),
        "primes": by_modulus(size.primes, size.widths[1], size.coefficient_steps, few),
    }


def further(scale: str, datasets: Mapping[str, xr.Dataset]) -> Mapping[str, Sweep]:
    """The networks on pairs, trained further to a minimum of the loss."""
    made = sweeps(scale, 1)
    return {f"{name}{SETTLED}": settled(datasets[name], made[name].experiment) for name in ON_PAIRS}


def _followed(size: Size, loss: str) -> Experiment:
    return Experiment(
        task=RandomLabels(input_dim=size.inputs, num_classes=size.classes),
        train_size=size.points,
        test_size=0,
        model=MLP(hidden=(size.hidden,)),
        loss=loss,
        optimizer=sgd(RATES[loss]),
        batch_size=size.batch,
        steps=size.steps,
        record_every=size.steps,
        measures=("loss", "accuracy"),
        examples=("correct",),
        examples_at=size.records(size.steps),
        snapshots=size.snapshots,
    )


def _slow(size: Size, loss: str, model: Model) -> Experiment:
    """Descent on all points, at a rate at which a step is short beside the time that a tenth of the points needs."""
    return replace(
        _followed(size, loss),
        model=model,
        optimizer=sgd(SLOW_RATES[loss]),
        batch_size=None,
        steps=size.slow_steps,
        record_every=size.slow_steps,
        examples_at=size.records(size.slow_steps),
        snapshots=(),
    )
