"""The cases whose numbers are compared with a CPU's: small sweeps of every model, each from a stated start."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import memjax as mj

__all__ = ["CASES", "MODELS", "RECORDS", "Case", "first_parameters", "frozen", "records", "trained_parameters"]

RECORDS = ("train_loss", "test_loss", "weight_l2")
_LABELS = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
_PAIRS = mj.tasks.ModularArithmetic(p=23)


class Case(NamedTuple):
    """An experiment and the axes that it is swept over; runs differ in their data alone, never in their start."""

    experiment: mj.Experiment
    over: dict[Any, Any]


def _case(over: dict[Any, Any] | None = None, **fields: Any) -> Case:
    return Case(
        mj.Experiment(**{"steps": 60, "record_every": 10, "measures": ("loss", "weight_l2"), **fields}), over or {}
    )


CASES: dict[str, Callable[[], Case]] = {
    "MLP": lambda: _case({"train_size": [7, 40, 90, 333]}, task=_LABELS),
    "EmbeddingMLP": lambda: _case(
        task=_PAIRS, model=mj.models.EmbeddingMLP(embedding=12, hidden=48), train_size=300, batch_size=64
    ),
    "Transformer": lambda: _case(
        task=_PAIRS, model=mj.models.Transformer(width=32, heads=4, mlp=64), train_size=300,
    ),
    "QuadraticMLP": lambda: _case(task=_PAIRS, model=mj.models.QuadraticMLP(hidden=48), train_size=300),
    "Autoencoder": lambda: _case(
        task=mj.tasks.SparseFeatures(num_features=20, sparsity=0.9),
        model=mj.models.Autoencoder(hidden=5), loss="sse", train_size=100,
    ),
    "SGLD": lambda: _case(
        task=_LABELS, model=mj.models.MLP(hidden=(24,)), train_size=90, optimizer=mj.optimizers.sgld(1e-4, nbeta=20.0)
    ),
}  # fmt: skip

# The chain has the model of the first case.
MODELS = tuple(name for name in CASES if name != "SGLD")


@functools.cache
def _drawn(experiment: mj.Experiment) -> xr.Dataset:
    """A dataset with the one snapshot that the seed of an experiment draws."""
    return mj.sweep(replace(experiment, steps=1, record_every=1, snapshots=(0,), measures=("loss",)), progress=False)


def first_parameters(case: Case) -> np.ndarray:
    """The parameters ``[P]`` that the seed of a case draws on this machine."""
    return _drawn(case.experiment).parameters.values.reshape(-1)


def trained_parameters(case: Case) -> np.ndarray:
    """The parameters ``[P]`` of a case after its steps, for its own train size."""
    last = case.experiment.steps
    return mj.sweep(replace(case.experiment, snapshots=(last,)), progress=False).parameters.values.reshape(-1)


def _start(case: Case, flat: np.ndarray) -> mj.Start:
    """The start with the parameters ``[P]``."""
    dataset = _drawn(case.experiment)
    filled = dataset.assign(parameters=dataset.parameters.copy(data=flat.reshape(dataset.parameters.shape)))
    return mj.Start.of(next(iter(mj.snapshots(filled))).params, "the references")


def records(case: Case, start: np.ndarray) -> dict[str, np.ndarray]:
    """Records ``[runs, K]`` of a case from the parameters ``[P]``, under JAX's settings of this thread."""
    dataset = mj.sweep(replace(case.experiment, start=_start(case, start)), case.over, progress=False)
    return {name: dataset[name].values.reshape(-1, dataset.sizes["step"]) for name in RECORDS}


def frozen(case: Case, flat: np.ndarray) -> xr.Dataset:
    """A dataset whose one snapshot has the parameters ``[P]``: what is measured there depends on no training."""
    return _drawn(replace(case.experiment, start=_start(case, flat)))
