"""Omnigrok: train and test loss at a fixed weight norm, L and U, and grokking from a large initial norm."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam, adamw, norm_constrained
from memjax.studies.kit import Study, Sweep
from memjax.studies.omnigrok.claims import analyse
from memjax.tasks import TeacherStudent

__all__ = ["STUDY"]

_RATE = 3e-4
_NORMS = {
    "quick": (1.5, 2.5, 3.5, 5.0, 7.0, 9.0, 12.0, 17.0, 25.0, 50.0),
    "paper": tuple(float(norm) for norm in np.geomspace(1.0, 100.0, 25).round(2)),
}
_STEPS = {"quick": 10_000, "paper": 10_000}
# The published run with a large initialisation goes to 20,000 steps and further.
_LONG = {"quick": 30_000, "paper": 90_000}
# The train set is learned within a hundred steps at the smaller scale, and times are linear between records.
_FREE_EVERY = 20
_SCALES = (1.0, 2.0)
_DECAYS = {"quick": (0.0, 0.05, 0.2), "paper": (0.0, 0.02, 0.05, 0.1, 0.2)}
_FREE_SEEDS = {"quick": 4, "paper": 10}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    steps, long = _STEPS[scale], _LONG[scale]
    fixed = Experiment(
        task=TeacherStudent(input_dim=5, output_dim=5, hidden=(100, 100)),
        model=MLP(hidden=(100, 100), activation="tanh", initializer="torch"),
        optimizer=norm_constrained(adam(_RATE), norm=_NORMS[scale][0]),
        loss="mse",
        steps=steps,
        record_every=steps // 20,
        train_size=100,
        test_size=100,
        measures=("loss", "weight_l2", "layer_l2"),
    )
    decayed = adamw(_RATE, weight_decay=0.0)
    free = dataclasses.replace(fixed, optimizer=decayed, steps=long, record_every=_FREE_EVERY)
    few = tuple(range(min(seeds, _FREE_SEEDS[scale])))
    return {
        "norms": Sweep(fixed, {"norm": _NORMS[scale], "seed": tuple(range(seeds))}),
        "free": Sweep(free, {"init_scale": _SCALES, "weight_decay": _DECAYS[scale], "seed": few}),
    }


STUDY = Study(
    name="omnigrok",
    title="Omnigrok: losses at a fixed weight norm, and grokking from a large one",
    question="Does the norm of the weights alone decide whether a network generalises, so that grokking is the time that "
    "weight decay takes to bring a large norm down?",
    source='Z. Liu, E. J. Michaud and M. Tegmark, "Omnigrok: grokking beyond algorithmic data" (ICLR 2023)',
    papers={"Liu et al. 2023, arXiv:2210.01117": "https://arxiv.org/abs/2210.01117"},
    scales={
        "quick": "ten norms, 10,000 steps, and two initial scales with three weight decays, 30,000 steps: about a minute "
        "on 2 cores",
        "paper": "25 norms, 10,000 steps, and two initial scales with five weight decays, 90,000 steps: about 15 minutes on "
        "2 cores (estimated)",
    },
    seeds={"quick": 5, "paper": 10},
    sweeps=_sweeps,
    analyse=analyse,
)
"""A tanh network learns what a random one gives, at a norm that is held, and with one that decays."""
