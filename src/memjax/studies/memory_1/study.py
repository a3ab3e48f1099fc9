"""Memory 1: how many random labels a linear layer fits, how sharp its loss gets, and Cover's law for two classes."""

from __future__ import annotations

from collections.abc import Mapping

from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.memory_1.claims import analyse
from memjax.studies.memory_1.numbers import separable
from memjax.tasks import RandomLabels

__all__ = ["STUDY"]

_DIMS = (10, 20, 30, 40)
# The post ends at 400, where a layer of 40 inputs still fits almost everything if it is given the steps.
_SIZES = {"quick": (*range(25, 401, 25), 450, 500), "paper": (*range(5, 401, 5), *range(420, 501, 20))}
_STEPS = {"quick": 2000, "paper": 10_000}

_COVER_DIMS = (10, 20)
_COVER_SIZES = (10, 15, 18, 20, 22, 25, 30, 35, 40, 45, 50, 60)
# A share needs far more seeds than a mean, and these runs cost next to nothing.
_COVER_SEEDS = {"quick": 25, "paper": 100}


def _layer(classes: int, rate: float, *, bias: bool, steps: int) -> Experiment:
    return Experiment(
        task=RandomLabels(num_classes=classes, inputs="normal", labels="uniform"),
        model=MLP(hidden=(), bias=bias, initializer="torch"),
        optimizer=adam(rate),
        loss="cross_entropy",
        steps=steps,
        record_every=steps // 10,
        test_size=1,
        measures=("loss", "accuracy", *(("sharpness",) if classes > 2 else ())),
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    steps, sizes, some = _STEPS[scale], _SIZES[scale], range(seeds)
    layer, soon = (_layer(40, 0.01, bias=True, steps=length) for length in (steps, 100))
    two, many = _layer(2, 0.1, bias=False, steps=steps), range(_COVER_SEEDS[scale] * seeds)
    return {
        "linear": Sweep(layer, {"input_dim": _DIMS, "train_size": sizes, "seed": some}),
        "early": Sweep(soon, {"input_dim": _DIMS, "train_size": sizes, "seed": some}),
        "two_classes": Sweep(two, {"input_dim": _COVER_DIMS, "train_size": _COVER_SIZES, "seed": many}),
    }


STUDY = Study(
    name="memory-1",
    title="Memory 1: how much does a linear layer memorize?",
    question="How many random labels does a linear layer fit, and is its loss sharpest near that number?",
    source='Ziming Liu, "Memory 1 -- How much do linear layers memorize?" (blog post, 2026)',
    papers={
        "Liu 2026, Memory 1": "https://kindxiaoming.github.io/blog/2026/memory-1",
        "Cover 1965, doi:10.1109/PGEC.1965.264137": "https://doi.org/10.1109/PGEC.1965.264137",
    },
    scales={
        "quick": "18 train sizes to 500, 2000 steps",
        "paper": "the published sizes 5, 10, ..., 400 and five beyond, 10,000 steps: about 4 minutes on one H200, about 35 "
        "minutes on 2 cores (estimated)",
    },
    seeds={"quick": 4, "paper": 8},
    sweeps=_sweeps,
    analyse=analyse,
    measured=lambda scale: {"separable": Measured("two_classes", separable, by="input_dim")},
)
"""A linear layer fits about 4 n random labels, says the post, and is sharpest near its capacity."""
