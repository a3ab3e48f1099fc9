"""How well is test loss predicted by unprincipled metrics? L2, learning coefficient, log-probabilities while a net groks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from memjax.experiment import Experiment
from memjax.models import EmbeddingMLP
from memjax.optimizers import adam
from memjax.studies.grokking_predictors.claims import analyse
from memjax.studies.grokking_predictors.coefficients import ESTIMATORS, estimates
from memjax.studies.kit import Measured, Study, Sweep
from memjax.tasks import ModularArithmetic

__all__ = ["STUDY"]

_STEPS = {"quick": 4000, "paper": 25_000}
_BATCH = {"quick": None, "paper": 128}
_EVERY = {"quick": 10, "paper": 50}
# Closer where more happens; at the paper scale evenly, as published.
_SNAPSHOTS = {
    "quick": (0, 40, 80, 160, 240, 360, 520, 760, 1080, 1600, 2400, 4000),
    "paper": tuple(range(0, 25_001, 250)),
}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    experiment = Experiment(
        task=ModularArithmetic(p=53, operation="add"),
        model=EmbeddingMLP(embedding=12, hidden=48, activation="gelu"),
        optimizer=adam(5e-3, l2=2e-4),
        loss="cross_entropy",
        steps=_STEPS[scale],
        batch_size=_BATCH[scale],
        record_every=_EVERY[scale],
        test_size=None,
        measures=("loss", "accuracy", "weight_l2", "layer_l2", "log_probability"),
        snapshots=_SNAPSHOTS[scale],
    )
    return {"runs": Sweep(experiment, {"train_size": (0.4, 0.5, 0.6), "seed": tuple(range(seeds))})}


def _measured(scale: str) -> Mapping[str, Measured]:
    return {"estimates": Measured("runs", partial(estimates, estimators=ESTIMATORS[scale]), by="seed")}


STUDY = Study(
    name="grokking-predictors",
    title="Grokking: how well is the test loss predicted by L2, the learning coefficient and log-probabilities?",
    question="How well do the L2 norm, the learning coefficient and log-probabilities of a network predict its test loss while "
    "the network groks, along a run and in runs that were not seen?",
    source="a thread of Stan van Wingerden on the learning coefficient of networks that learn addition mod 53, and its "
    "comments (LessWrong)",
    papers={
        "van Wingerden, LessWrong": "https://www.lesswrong.com/posts/aYf2sMbgepQnmSCDX/stan-van-wingerden-s-shortform",
        "Lau et al. 2023, arXiv:2308.12108": "https://arxiv.org/abs/2308.12108",
    },
    scales={
        "quick": "addition mod 53, train fractions 0.4, 0.5 and 0.6, full batch, 4000 steps, LLC at 12 snapshots: about two "
        "minutes on 2 cores",
        "paper": "the same with minibatches of 128, 25,000 steps and LLC at 101 snapshots: about 8 minutes on one H200, "
        "about 40 minutes on 2 cores (estimated)",
    },
    seeds={"quick": 8, "paper": 8},
    sweeps=_sweeps,
    analyse=analyse,
    measured=_measured,
)
"""Single metrics of a run predict its test loss more or less well; the thread asks how well, from one run."""
