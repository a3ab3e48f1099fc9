"""How does memorization affect L2? Random labels, ten train sizes: the norm grows, peaks, and falls again."""

from __future__ import annotations

from collections.abc import Mapping

from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies.kit import Study, Sweep
from memjax.studies.l2_memorization.claims import analyse
from memjax.tasks import RandomLabels

__all__ = ["STUDY"]

_SIZES = {"quick": tuple(50 * 2**i for i in range(8)), "paper": tuple(50 * 2**i for i in range(10))}
_MEASURES = ("loss", "accuracy", "weight_l2", "layer_l2", "memorized_bits", "logit_margin")


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    experiment = Experiment(
        task=RandomLabels(input_dim=9, num_classes=17, inputs="normal", labels="uniform"),
        model=MLP(hidden=(100, 100), activation="relu", initializer="torch"),
        optimizer=adam(1e-3),
        loss="cross_entropy",
        steps=1000,
        record_every=10,
        measures=_MEASURES,
    )
    return {"sweep": Sweep(experiment, {"train_size": _SIZES[scale], "seed": range(seeds)})}


STUDY = Study(
    name="l2-memorization",
    title="How does memorization affect L2?",
    question="How far does the L2 norm of a network grow while the network memorises random labels, and how does the growth "
    "depend on the number of examples?",
    source='Ziming Liu, "How does memorization affect l2?" (blog post)',
    papers={
        "Liu 2026, How does memorization affect l2?": "https://kindxiaoming.github.io/blog/2026/memorization-l2/",
    },
    scales={
        "quick": "train sizes 50 to 6400 instead of 25600, 1000 steps",
        "paper": "the full published setting: ten train sizes 50 to 25600, 1000 steps",
    },
    seeds={"quick": 3, "paper": 4},
    sweeps=_sweeps,
    analyse=analyse,
)
"""Ziming Liu's post: W_gap of a 9-100-100-17 MLP on random labels has an inverted U over the train size."""
