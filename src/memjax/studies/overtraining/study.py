"""Overtraining: networks of 2 to 64 hidden units on halves of 40 cases, stopped by the other half or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from memjax.experiment import Experiment
from memjax.experiment.record_times import spaced
from memjax.measures import by_example
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.overtraining.claims import analyse
from memjax.studies.overtraining.numbers import linear_errors
from memjax.studies.overtraining.parts import diabetes, residual
from memjax.subsets import RandomShare
from memjax.tasks import TeacherStudent

__all__ = ["STUDY"]

_CASES, _STEPS, _PER_DECADE = 40, 1500, 40
_WIDTHS = ((2,), (4,), (8,), (16,), (32,), (64,))
_NETWORKS = {"quick": 64, "paper": 200}


def _tasks() -> dict[str, Any]:
    return {"teacher": TeacherStudent(output_dim=1, hidden=(4,), teacher_scale=3.0, noise=0.5), "diabetes": diabetes()}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """A bank of networks for every width and every draw of cases."""
    axes: dict[str | tuple[str, ...], Any] = {
        "model.hidden": _WIDTHS,
        "data_seed": range(seeds),
        "seed": range(_NETWORKS[scale]),
    }
    return {name: Sweep(_bank(task), axes) for name, task in _tasks().items()}


def _bank(task: Any) -> Experiment:
    # Wide networks reach their least control error within tens of steps, so the gaps between records grow with the step.
    records = spaced(1, _STEPS, per_decade=_PER_DECADE)
    return Experiment(
        task=task,
        train_size=_CASES,
        test_size=0,
        subset=RandomShare(0.5),
        model=MLP(activation="tanh"),
        optimizer=adam(0.01),
        loss="mse",
        steps=_STEPS,
        record_at=records,
        measures=("loss",),
        examples=(by_example(residual),),
        examples_at=(0, *records),
    )


def _measured(scale: str) -> Mapping[str, Measured]:
    return {
        f"{name}_linear": Measured(name, partial(linear_errors, task=task, train_size=_CASES))
        for name, task in _tasks().items()
    }


STUDY = Study(
    name="overtraining",
    title="Overfitting and overtraining: hidden units, and when training stops",
    question="Does the number of hidden units change how well networks predict cases that were left out, if training is "
    "stopped by control cases, or runs to its end, or if many networks are averaged?",
    source='I. V. Tetko, D. J. Livingstone, A. I. Luik, "Neural network studies. 1. Comparison of overfitting and '
    'overtraining" (J. Chem. Inf. Comput. Sci. 35, 826-833, 1995)',
    papers={"Tetko et al. 1995, doi:10.1021/ci00027a006": "https://doi.org/10.1021/ci00027a006"},
    scales={
        "quick": "40 cases, six widths, 64 networks for each draw of the cases: about two minutes on 2 cores",
        "paper": "the same with 200 networks, as many as in the publication, and more draws",
    },
    seeds={"quick": 10, "paper": 20},
    sweeps=_sweeps,
    measured=_measured,
    analyse=analyse,
)
"""Tetko et al.: overfitting has no influence on prediction when overtraining is avoided."""
