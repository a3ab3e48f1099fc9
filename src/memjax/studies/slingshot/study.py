"""Slingshots: late in training without decay the last layer grows, the train loss spikes, and the features jump."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import xarray as xr

from memjax.experiment import Experiment
from memjax.models import MLP, EmbeddingMLP
from memjax.optimizers import adam, rmsprop, sgd
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.slingshot.claims import analyse
from memjax.studies.slingshot.numbers import turns
from memjax.tasks import ModularArithmetic, RandomLabels

__all__ = ["STUDY"]

_EPS = {"quick": (1e-8, 1e-6, 1e-5, 1e-4), "paper": (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)}
_STEPS = {"quick": 40_000, "paper": 400_000}
_SNAPSHOTS = 20
_LOSSES = ("cross_entropy", "cross_entropy_exact")


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    steps, some = _STEPS[scale], tuple(range(seeds))
    # A ReLU network that fits few examples of random labels, as the publication's does with 200 images.
    labels = Experiment(
        task=RandomLabels(input_dim=64, num_classes=8),
        model=MLP(hidden=(64, 64, 64), activation="relu"),
        optimizer=adam(3e-3),
        steps=steps,
        # A record per 50 steps holds the mean loss of all of them, so no spike is missed.
        record_every=50,
        train_size=128,
        test_size=1,
        measures=("step_loss", "last_layer_l2", "accuracy"),
        snapshots=tuple(range(0, steps + 1, steps // _SNAPSHOTS)),
    )
    # From small initial parameters: the setting with a test set that can be learned.
    addition = dataclasses.replace(
        labels,
        task=ModularArithmetic(p=23),
        model=EmbeddingMLP(embedding=16, hidden=(64, 64), activation="relu", concatenate=True, init_scale=0.25),
        optimizer=adam(1e-2),
        steps=steps // 2,
        train_size=0.75,
        test_size=None,
        snapshots=(),
    )
    # RMSProp's eps is inside the square root: this is 1e-8 outside it, as PyTorch's and Adam's.
    others = (sgd(0.1, momentum=0.9), rmsprop(1e-3, decay=0.99, eps=1e-16))
    return {
        "eps": Sweep(labels, {"eps": _EPS[scale], "seed": some}),
        "exact": Sweep(labels, {"loss": _LOSSES[1:], "seed": some}),
        "optimizers": Sweep(labels, {"optimizer": others, "seed": some}),
        "modular": Sweep(addition, {"loss": _LOSSES, "seed": some}),
    }


def _measured(scale: str) -> Mapping[str, Measured]:
    return {"turns": Measured("eps", _turns)}


def _turns(runs: xr.Dataset) -> xr.Dataset:
    """Turns of the features of the runs at the least eps."""
    return turns(runs.isel(eps=[0])).isel(eps=0, drop=True)


STUDY = Study(
    name="slingshot",
    title="Slingshots: growth of the last layer, spikes of the loss, and what the float32 softmax has to do with them",
    question="Do adaptive optimizers without weight decay go through cycles in which the last layer grows, the train loss "
    "spikes and the features jump, and does the network generalise with them?",
    source='V. Thilak, E. Littwin, S. Zhai, O. Saremi, R. Paiss and J. Susskind, "The slingshot mechanism" (2022); '
    'L. Prieto et al., "Grokking at the edge of numerical stability" (ICLR 2025)',
    papers={
        "Thilak et al. 2022, arXiv:2206.04817": "https://arxiv.org/abs/2206.04817",
        "Prieto et al. 2025, arXiv:2501.04697": "https://arxiv.org/abs/2501.04697",
    },
    scales={
        "quick": "128 random labels, four eps, three optimizers and two softmaxes, 40,000 steps, and addition modulo 23, "
        "20,000 steps: about a minute on 2 cores",
        "paper": "the same with six eps, 400,000 and 200,000 steps: about 8 minutes on one H200 with 16 cores, "
        "about 45 minutes on 2 cores (estimated)",
    },
    seeds={"quick": 3, "paper": 8},
    sweeps=_sweeps,
    analyse=analyse,
    measured=_measured,
)
"""Full batch, no weight decay: counts of slingshots by optimizer, by eps, and with a softmax that does not collapse."""
