"""Which settings memorise, generalise late, do both at once or neither, for addition modulo p."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from memjax.experiment import Experiment
from memjax.models import EmbeddingMLP
from memjax.optimizers import adamw, langevin, sgd
from memjax.studies.grokking_phases.claims import analyse
from memjax.studies.grokking_phases.numbers import key_frequencies
from memjax.studies.kit import Measured, Study, Sweep
from memjax.tasks import ModularArithmetic

__all__ = ["STUDY"]

_SCALES: Mapping[str, Mapping[str, Any]] = {
    "quick": {"p": 23, "hidden": 48, "steps": 1500, "moduli": (17, 23, 31), "widths": (4, 8, 16, 32)},
    "paper": {"p": 53, "hidden": 128, "steps": 30_000, "moduli": (31, 53, 97), "widths": (4, 8, 16, 32, 64)},
}
# Two rates to a decade, those of descent a hundred times as large; the times need rates beyond the best one of the maps.
_RATES, _DECAYS, _INIT_SCALES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1), (0.0, 0.1, 0.5, 2.0, 10.0), (0.1, 0.3, 1.0)
_NOISE = {"temperature": (0.0, 1e-6, 1e-5, 1e-4, 1e-3), "l2": (0.0, 1e-3), "learning_rate": (1.0, 3.0, 10.0)}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    own, some, more = _SCALES[scale], tuple(range(seeds)), (*_RATES, 3e-1, 1.0)
    experiment = Experiment(
        task=ModularArithmetic(p=own["p"]),
        model=EmbeddingMLP(embedding=16, hidden=own["hidden"]),
        optimizer=adamw(1e-2, b2=0.98, weight_decay=1.0),
        steps=own["steps"],
        record_every=own["steps"] // 300,
        train_size=0.8,
        measures=("accuracy",),
    )
    fast, weak = [100.0 * rate for rate in _RATES], [decay / 1000.0 for decay in _DECAYS]
    parts: dict[str, tuple[dict[str, Any], dict[Any, Any]]] = {
        "adamw": ({}, {"learning_rate": _RATES, "weight_decay": _DECAYS, "init_scale": _INIT_SCALES}),
        "sgd": ({"optimizer": sgd(1.0, momentum=0.9)}, {"learning_rate": fast, "l2": weak, "init_scale": _INIT_SCALES}),
        "langevin": ({"optimizer": langevin(1.0)}, _NOISE),
        "moduli": ({}, {"p": own["moduli"], "learning_rate": more}),
        "widths": ({"snapshots": (own["steps"],)}, {"embedding": own["widths"], "learning_rate": more}),
    }
    return {name: Sweep(replace(experiment, **new), {**over, "seed": some}) for name, (new, over) in parts.items()}


STUDY = Study(
    name="grokking-phases",
    title="Four phases of learning by learning rate, weight decay, optimizer and initial scale",
    question="Which rates, weight decays, optimizers and initial scales make a network memorise addition modulo p, "
    "generalise late, do both at once, or do neither?",
    source='Z. Liu et al., "Towards understanding grokking: an effective theory of representation learning" (NeurIPS '
    '2022); D. Vaintrob and Kaarel, "Grokking, memorization, and generalization: a discussion" (LessWrong, 2023); N. '
    'Rubin, I. Seroussi and Z. Ringel, "Grokking as a first order phase transition in two layer networks" (ICLR 2024)',
    papers={
        "Vaintrob and Kaarel 2023, LessWrong": "https://www.lesswrong.com/posts/BYwGEBspGgPY5nBZN/"
        "grokking-memorization-and-generalization-a-discussion",
        "Liu et al. 2022, arXiv:2205.10343": "https://arxiv.org/abs/2205.10343",
        "Rubin et al. 2023, arXiv:2310.03789": "https://arxiv.org/abs/2310.03789",
    },
    scales={
        "quick": "addition modulo 23, an MLP of 3,104 parameters, 80% of the pairs, 1500 steps, 916 runs: about three "
        "minutes on 2 cores",
        "paper": "addition modulo 53, 128 hidden units, 30,000 steps: meant for a GPU",
    },
    seeds={"quick": 4, "paper": 4},
    sweeps=_sweeps,
    analyse=analyse,
    measured=lambda scale: {"frequencies": Measured("widths", key_frequencies)},
)
