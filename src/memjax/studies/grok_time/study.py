"""Time to grok: how long after the train set the test set is learned, by train fraction and by every knob of training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from memjax.experiment import Experiment
from memjax.models import EmbeddingMLP, Transformer
from memjax.optimizers import adam, adamw, sgd
from memjax.studies.grok_time.claims import analyse
from memjax.studies.kit import Study, Sweep
from memjax.tasks import ModularArithmetic

__all__ = ["STUDY"]

_P = {"quick": 31, "paper": 113}
# Published fractions among them; closer together where the time rises.
_FRACTIONS = {
    "quick": (0.36, 0.4, 0.42, 0.44, 0.47, 0.5, 0.6, 0.7, 0.8, 0.9),
    "paper": (0.2, 0.22, 0.24, 0.26, 0.28, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 0.95),
}
_RATE = {"quick": 1e-2, "paper": 1e-3}
# What else is varied, at two fractions that grok and with fewer steps and seeds.
_TWO = {"quick": (0.5, 0.7), "paper": (0.4, 0.6)}
_KNOB_SEEDS = 3
# Steps, and steps between records. Networks are fitted within a few records, so the beginning is run once more.
_WHOLE = {"quick": (3000, 10), "paper": (30_000, 100)}
_EARLY = {"quick": (100, 1), "paper": (1000, 10)}
_KNOB = {"quick": (1500, 5), "paper": (15_000, 50)}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    rate = _RATE[scale]
    decayed = adamw(rate, b2=0.98, weight_decay=1.0)
    main = Experiment(
        task=ModularArithmetic(p=_P[scale]),
        model=EmbeddingMLP(embedding=32, hidden=128) if scale == "quick" else Transformer(),
        optimizer=decayed,
        steps=_WHOLE[scale][0],
        record_every=_WHOLE[scale][1],
        train_size=0.5,
        measures=("loss", "accuracy"),
    )
    fractions, all_seeds = _FRACTIONS[scale], tuple(range(seeds))
    knobs: dict[str, tuple[Any, ...]] = {
        "learning_rate": tuple(factor * rate for factor in (0.3, 1.0, 2.0, 4.0)),
        "weight_decay": (0.0, 0.25, 0.5, 1.0, 2.0, 4.0),
        "init_scale": (0.25, 0.5, 1.0, 2.0, 4.0),
        "p": (23, 31, 43) if scale == "quick" else (53, 79, 97, 113),
        # Decoupled decay, coupled L2, and descent with momentum at a hundred times the rate.
        "optimizer": (decayed, adam(rate, b2=0.98, l2=3e-4), sgd(100.0 * rate, momentum=0.9, l2=3e-4)),
    }
    two, few, shorter = _TWO[scale], all_seeds[:_KNOB_SEEDS], _every(main, *_KNOB[scale])
    return {
        "fractions": Sweep(main, {"train_size": fractions, "seed": all_seeds}),
        "early": Sweep(_every(main, *_EARLY[scale]), {"train_size": fractions, "seed": all_seeds}),
        **{name: Sweep(shorter, {name: values, "train_size": two, "seed": few}) for name, values in knobs.items()},
    }


def _every(experiment: Experiment, steps: int, every: int) -> Experiment:
    return dataclasses.replace(experiment, steps=steps, record_every=every)


STUDY = Study(
    name="grok-time",
    title="Time to grok against train fraction, modulus, rate, weight decay, initial scale and optimizer",
    question="How much longer does a network take to grok as its train set shrinks, and is there a train fraction below which "
    "it never does?",
    source='A. Power et al., "Grokking: generalization beyond overfitting on small algorithmic datasets" (arXiv:2201.02177, '
    '2022); N. Nanda et al., "Progress measures for grokking via mechanistic interpretability" (arXiv:2301.05217, 2023)',
    papers={
        "Power et al. 2022, arXiv:2201.02177": "https://arxiv.org/abs/2201.02177",
        "Nanda et al. 2023, arXiv:2301.05217": "https://arxiv.org/abs/2301.05217",
    },
    scales={
        "quick": "addition mod 31, an MLP of 13,408 parameters, ten train fractions of 0.36 to 0.9, 3000 steps; five other "
        "knobs at two fractions: about two minutes on 2 cores",
        "paper": "addition mod 113, the one-layer transformer, twelve fractions of 0.2 to 0.95, 30,000 steps; the same knobs: "
        "about 32 hours on 2 cores (estimated), so meant for a GPU",
    },
    seeds={"quick": 6, "paper": 4},
    sweeps=_sweeps,
    analyse=analyse,
)
"""As data shrink the time to fit hardly changes and the time to generalise grows without bound."""
