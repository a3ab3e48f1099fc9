"""Does the L2 gap peak where the data meet the capacity? Widths, depths, class counts and step budgets."""

from __future__ import annotations

from collections.abc import Mapping

from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies.kit import Study, Sweep
from memjax.studies.l2_capacity.claims import analyse
from memjax.studies.l2_capacity.numbers import BASE_CLASSES
from memjax.tasks import RandomLabels

__all__ = ["STUDY"]

# The post's network is 100-100; smaller ones have their peak, and so their sweep, at fewer examples.
_BASE = {"quick": (24, 24), "paper": (50, 50)}
_NETWORKS = {
    "quick": ((12, 12), (24, 24), (48, 48), (24,), (24, 24, 24)),
    "paper": ((25, 25), (50, 50), (100, 100), (50,), (50, 50, 50)),
}
_CLASSES = (4, 64)
_SIZES = {
    "quick": tuple(round(50 * 2 ** (i / 2)) for i in range(12)),
    "paper": tuple(round(100 * 2 ** (i / 2)) for i in range(16)),
}
_STEPS = {"quick": 3000, "paper": 10_000}
_RECORD_EVERY = {"quick": 100, "paper": 250}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    experiment = Experiment(
        task=RandomLabels(input_dim=9, num_classes=BASE_CLASSES, inputs="normal", labels="uniform"),
        model=MLP(hidden=_BASE[scale], activation="relu", initializer="torch"),
        optimizer=adam(1e-3),
        loss="cross_entropy",
        steps=_STEPS[scale],
        record_every=_RECORD_EVERY[scale],
        test_size=1,
        measures=("loss", "weight_l2", "memorized_bits"),
    )
    sizes, some = _SIZES[scale], tuple(range(seeds))
    return {
        "networks": Sweep(experiment, {"hidden": _NETWORKS[scale], "train_size": sizes, "seed": some}),
        "classes": Sweep(experiment, {"num_classes": _CLASSES, "train_size": sizes, "seed": some}),
    }


STUDY = Study(
    name="l2-capacity",
    title="Does the L2 gap peak where the data meet the capacity?",
    question="Does the L2 gap of networks that memorise random labels peak at the train size at which the labels fill a "
    "capacity of 2 bits per parameter?",
    source='a hypothesis of Ziming Liu, "How does memorization affect l2?" (blog post), not tested there',
    papers={
        "Liu 2026, How does memorization affect l2?": "https://kindxiaoming.github.io/blog/2026/memorization-l2/",
    },
    scales={
        "quick": "seven networks of 497 to 3665 parameters, 12 train sizes 50 to 2263, 3000 steps: about a minute on 2 cores",
        "paper": "seven networks of 1342 to 12,817 parameters, with that of Liu's post, 16 train sizes 100 to 18,102, 10,000 "
        "steps: about 3 minutes on one H200, about 2 hours on 2 cores (estimated)",
    },
    seeds={"quick": 3, "paper": 4},
    sweeps=_sweeps,
    analyse=analyse,
)
"""The post explains the peak of its gap by 2 bits per parameter meeting log2 C bits per example; tested on other networks."""
