"""Sparse parity: accuracy stays at chance, then jumps, while the first layer finds the relevant bits all along."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from memjax.experiment import Experiment
from memjax.measures import loss, sign_accuracy
from memjax.models import MLP
from memjax.optimizers import sgd
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.sparse_parity.claims import analyse
from memjax.studies.sparse_parity.numbers import progress
from memjax.tasks import SparseParity

__all__ = ["STUDY"]

_BATCH, _WIDTH, _RATE = 32, 100, 0.1
_BITS = {"quick": (10, 15, 20, 30, 50), "paper": (10, 15, 20, 30, 40, 50, 60, 80, 100)}
# Pairs are learned so soon that they have runs of their own, short and recorded often.
_RELEVANT, _PAIR = (3, 4), 2
_STEPS = {"quick": 12_000, "paper": 40_000}
_PAIR_STEPS = {"quick": 600, "paper": 2000}
_RECORD_EVERY, _PAIR_RECORD_EVERY = {"quick": 10, "paper": 50}, 2
_PROGRESS_BITS, _PROGRESS_STEPS = 50, 4000
_FINITE_BITS = 40
_FINITE_STEPS = {"quick": 20_000, "paper": 100_000}
_SIZES = {"quick": (500, 1000, 2000, 4000), "paper": (500, 700, 1000, 1400, 2000, 2800, 4000, 8000)}
_DECAYS = {"quick": (0.0, 0.003, 0.01), "paper": (0.0, 0.001, 0.003, 0.01, 0.03)}

# Every example of online learning is new, so its train loss is that of the steps themselves.
_TEST = tuple(dataclasses.replace(measure, splits=("test",)) for measure in (loss, sign_accuracy))


def _online(bits: int, steps: int, record_every: int) -> Experiment:
    return Experiment(
        task=SparseParity(num_bits=bits, num_relevant=3),
        model=MLP(hidden=(_WIDTH,)),
        optimizer=sgd(_RATE),
        loss="hinge",
        steps=steps,
        record_every=record_every,
        batch_size=_BATCH,
        train_size=steps * _BATCH,
        test_size=1000,
        measures=("step_loss", *_TEST),
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    kept = dataclasses.replace(
        _online(_PROGRESS_BITS, _PROGRESS_STEPS, 25),
        snapshots=tuple(range(0, _PROGRESS_STEPS + 1, 125)),
        test_size=2000,
    )
    parts = {"progress": Sweep(kept, {"seed": range(seeds)})}
    for bits in _BITS[scale]:
        over: dict[str | tuple[str, ...], Sequence[Any]] = {"num_relevant": _RELEVANT, "seed": range(seeds)}
        parts[f"bits_{bits}"] = Sweep(_online(bits, _STEPS[scale], _RECORD_EVERY[scale]), over)
        pairs = _online(bits, _PAIR_STEPS[scale], _PAIR_RECORD_EVERY)
        parts[f"pairs_{bits}"] = Sweep(pairs, over | {"num_relevant": (_PAIR,)})
    steps = _FINITE_STEPS[scale]
    finite = dataclasses.replace(
        _online(_FINITE_BITS, steps, 100),
        optimizer=sgd(_RATE, l2=0.01),
        train_size=1000,
        test_size=1000,
        measures=("loss", "sign_accuracy"),
    )
    over = {"train_size": _SIZES[scale], "l2": _DECAYS[scale], "seed": range(seeds)}
    return parts | {"finite": Sweep(finite, over)}


def _measured(scale: str) -> Mapping[str, Measured]:
    return {"hidden_progress": Measured("progress", partial(progress, using=_TEST), by="seed")}


STUDY = Study(
    name="sparse-parity",
    title="Sparse parity: a plateau, a drop, and the progress that neither loss nor accuracy shows",
    question="Does online SGD learn a sparse parity after a plateau of loss and accuracy, in a number of steps that is a power "
    "of the number of signs, and do the weights move towards the relevant signs all along the plateau?",
    source='B. Barak, B. Edelman, S. Goel, S. Kakade, E. Malach, C. Zhang, "Hidden progress in deep learning: SGD learns '
    'parities near the computational limit" (2022)',
    scales={
        "quick": "products of 2, 3 and 4 of 10 to 50 signs, 12,000 steps of online SGD; 500 to 4000 examples used again and "
        "again, 20,000 steps: about two minutes on 2 cores",
        "paper": "10 to 100 signs, 40,000 steps; 500 to 8000 examples, 100,000 steps: 3 to 6 hours on 2 cores (estimated)",
    },
    seeds={"quick": 8, "paper": 10},
    sweeps=_sweeps,
    analyse=analyse,
    papers={"Barak et al. 2022, arXiv:2207.08799": "https://arxiv.org/abs/2207.08799"},
    measured=_measured,
)
"""Barak et al.: online SGD on a product of k of n signs takes n^O(k) steps, most of them without a visible change."""
