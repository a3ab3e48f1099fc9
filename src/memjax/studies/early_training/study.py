"""Early training: the gradient of the cross-entropy in the logits before they differ, and how soon it departs from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from memjax.experiment import Experiment
from memjax.models import MLP, EmbeddingMLP
from memjax.optimizers import adam, sgd
from memjax.studies.early_training.claims import MEASURED, analyse
from memjax.studies.early_training.numbers import of_networks
from memjax.studies.kit import Measured, Study, Sweep
from memjax.tasks import ModularArithmetic, RandomLabels

__all__ = ["STUDY"]

_CLASSES = {"quick": (4, 17, 64), "paper": (2, 4, 8, 17, 32, 64, 128, 256)}
_MODULI = {"quick": (13, 53), "paper": (13, 31, 53, 113)}
_SCALES = {"quick": (0.1, 0.3, 1.0, 3.0), "paper": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)}
_STEPS = {"quick": 1000, "paper": 10_000}
_OPTIMIZERS = {"sgd": sgd(0.3), "adam": adam(1e-3)}
# About evenly spaced in the logarithm, with every one of the first steps.
_KEPT = (
    *(0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30, 40, 50, 65, 80, 100, 115, 130, 150, 175, 200, 230, 265, 300, 350),
    *(400, 500, 650, 800, 1000, 1300, 1600, 2000, 3000, 5000, 7000, 10_000),
)


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    steps = _STEPS[scale]
    layers = Experiment(
        task=RandomLabels(input_dim=9, num_classes=17, labels="power"),
        model=MLP(hidden=(100,)),
        loss="cross_entropy",
        steps=steps,
        record_every=1,
        train_size=500,
        test_size=1,
        measures=("step_loss",),
        snapshots=tuple(step for step in _KEPT if step <= steps),
    )
    own: dict[str, Any] = {"model": EmbeddingMLP(), "train_size": 0.5}
    found = {f"random_{k}": replace(layers, task=RandomLabels(input_dim=9, num_classes=k)) for k in _CLASSES[scale]}
    found["power_17"] = layers
    found |= {f"modular_{p}": replace(layers, task=ModularArithmetic(p=p), **own) for p in _MODULI[scale]}
    over: dict[str | tuple[str, ...], Sequence[Any]] = {"init_scale": _SCALES[scale], "seed": range(seeds)}
    return {
        f"{name}_{way}": Sweep(replace(experiment, optimizer=optimizer), over)
        for name, experiment in found.items()
        for way, optimizer in _OPTIMIZERS.items()
    }


def _measured(scale: str) -> Mapping[str, Measured]:
    """Logits and gradients of every network; a seed at a time where that takes long."""
    by = None if scale == "quick" else "seed"
    return {f"{name}{MEASURED}": Measured(name, of_networks, by) for name in _sweeps(scale, 1)}


STUDY = Study(
    name="early-training",
    title="Early training: what the cross-entropy asks of the logits before they know anything",
    question="Is the gradient of the cross-entropy -(1 - 1/K) in the correct logit of K and 1/K in every other logit early in "
    "training, and for how long?",
    source='D. Vaintrob and Kaarel, "Grokking, memorization, and generalization: a discussion" (LessWrong, 2023)',
    papers={
        "Vaintrob and Kaarel 2023, LessWrong": "https://www.lesswrong.com/posts/BYwGEBspGgPY5nBZN/"
        "grokking-memorization-and-generalization-a-discussion",
    },
    scales={
        "quick": "random labels of 4, 17 and 64 classes and addition modulo 13 and 53, four initial scales, SGD and Adam, 1000 "
        "steps: about two minutes on 2 cores",
        "paper": "2 to 256 classes, moduli to 113, six initial scales, 10,000 steps: about 3 hours on 2 cores (estimated)",
    },
    seeds={"quick": 6, "paper": 10},
    sweeps=_sweeps,
    analyse=analyse,
    measured=_measured,
)
"""At uniform outputs of K classes dL/d(logit) is -(1 - 1/K) for the correct class and 1/K for each other."""
