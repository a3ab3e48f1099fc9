"""Memory 2: how many bits of random labels a two-layer network stores per parameter, by activation and width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies.kit import Study, Sweep
from memjax.studies.memory_2.claims import analyse
from memjax.studies.memory_2.numbers import CLASSES, DIM
from memjax.studies.memory_2.parts import BlockWithHead
from memjax.tasks import RandomLabels

__all__ = ["STUDY"]

_ACTIVATIONS = ("relu", "silu", "sin")
_WIDTHS = {"quick": (10, 20), "paper": (10, 20, 40)}
_STEPS = {"quick": 5000, "paper": 20_000}
# Train examples per parameter. A label is 3.3 bits, so 0.3 of an example is a bit; capacities lie around 0.5.
_LOADS = {
    "quick": (0.2, 0.4, 0.5, 0.6, 0.75, 1.0, 1.5, 2.0),
    "paper": (0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.85, 1.0, 1.25, 1.5, 2.0, 3.0),
}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    linear = Experiment(
        task=RandomLabels(input_dim=DIM, num_classes=CLASSES, inputs="normal", labels="uniform"),
        model=MLP(hidden=(), bias=False),
        # Of 0.001, 0.003 and 0.01 the one without the spikes of the largest and not behind it after 10,000 steps.
        optimizer=adam(0.003),
        loss="cross_entropy",
        steps=_STEPS[scale],
        record_every=_STEPS[scale] // 50,
        test_size=1,
        measures=("loss",),
    )

    def over(parameters: int) -> dict[str | tuple[str, ...], Sequence[Any]]:
        return {"train_size": [round(load * parameters) for load in _LOADS[scale]], "seed": range(seeds)}

    sweeps = {}
    for width in _WIDTHS[scale]:
        block, parameters = replace(linear, model=BlockWithHead(width)), 2 * DIM * width + DIM * CLASSES
        sweeps[f"width_{width}"] = Sweep(block, {"activation": _ACTIVATIONS, **over(parameters)})
    return sweeps | {"linear": Sweep(linear, over(DIM * CLASSES))}


STUDY = Study(
    name="memory-2",
    title="Memory 2: how many bits does each parameter of an MLP store?",
    question="How many bits of random labels does each parameter of a two-layer network store, and does this depend on the "
    "activation?",
    source='Ziming Liu, "Memory 2 -- How many bits does each parameter store? An analysis of MLP" (blog post, 2026)',
    papers={
        "Liu 2026, Memory 2": "https://kindxiaoming.github.io/blog/2026/memory-2",
    },
    scales={
        "quick": "widths 10 and 20, eight train sizes, 5000 steps",
        "paper": "widths 10, 20 and 40, sixteen train sizes, 20,000 steps",
    },
    seeds={"quick": 3, "paper": 4},
    sweeps=_sweeps,
    analyse=analyse,
)
"""Ziming Liu's post: a two-layer network stores 2.4 bits of random labels per parameter, a linear one 1."""
