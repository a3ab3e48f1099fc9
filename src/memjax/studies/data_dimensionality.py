"""Maximal data dimensionality on images: which points a network gives a direction of their own, and what training adds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from memjax.experiment import Experiment
from memjax.measure import measure
from memjax.measures import dimensionality
from memjax.models import MLP
from memjax.optimizers import adamw
from memjax.results.snapshots import Snapshot
from memjax.studies import _data_dimensionality_figures as figures
from memjax.studies import _data_dimensionality_tables as tables
from memjax.studies._data_dimensionality_claims import claims
from memjax.studies._data_dimensionality_examples import extremes
from memjax.studies.study import Findings, Study, Sweep
from memjax.tasks import Images

__all__ = ["STUDY"]


class _Scale(NamedTuple):
    """Sizes of one scale: the post's are 5,000 examples, batches of 500, and 50,000 examples."""

    dataset: str
    train_size: int
    test_size: int
    hidden: int
    widths: tuple[int, ...]
    sizes: tuple[int, ...]


_IMAGES = {
    "train_size": 5000,
    "test_size": 2000,
    "hidden": 512,
    "widths": (64, 128, 256, 512, 1024),
    "sizes": (500, 1500, 5000, 15_000, 50_000),
}
_SCALES = {
    "quick": _Scale("digits", 1200, 597, 128, (16, 32, 64, 128, 256, 512), (100, 300, 600, 1200)),
    "fashion-mnist": _Scale("fashion-mnist", **_IMAGES),  # type: ignore[arg-type]
    "mnist": _Scale("mnist", **_IMAGES),  # type: ignore[arg-type]
}
_BATCHES = 10
_EPOCHS = (1, 2, 3, 8, 18, 40)
_DECAYS = (0.0, 0.01, 0.1, 1.0, 10.0)
# Comparisons that are not between seeds need fewer of them.
_FEW = 2


def _experiment(scale: _Scale, **changes: Any) -> Experiment:
    """Every run of a sweep has the same points, in the same order: the seed is of the initial parameters."""
    settings: dict[str, Any] = {
        "task": Images(scale.dataset, scale="unit"),
        "model": MLP(hidden=(scale.hidden,), activation="relu", initializer="torch"),
        "optimizer": adamw(1e-3, weight_decay=0.01),
        "loss": "cross_entropy",
        "steps": _EPOCHS[-1] * _BATCHES,
        "record_every": _BATCHES,
        "batch_size": scale.train_size // _BATCHES,
        "train_size": scale.train_size,
        "test_size": scale.test_size,
        "data_seed": 0,
        "measures": ("loss", "accuracy"),
        "snapshots": (0, _EPOCHS[-1] * _BATCHES),
    }
    return Experiment(**(settings | changes))


def _sweeps(scale: _Scale, seeds: int) -> Mapping[str, Sweep]:
    few, many = tuple(range(min(seeds, _FEW))), tuple(range(seeds))
    steps = tuple(_BATCHES * epoch for epoch in (0, *_EPOCHS))
    base = _experiment(scale)
    first = replace(base, steps=_BATCHES, record_every=1, snapshots=tuple(range(_BATCHES + 1)))
    return {
        "stages": Sweep(replace(base, snapshots=steps), {"seed": many}),
        "batches": Sweep(first, {"seed": few}),
        "widths": Sweep(base, {"hidden": scale.widths, "seed": few}),
        "sizes": Sweep(
            base, {("train_size", "batch_size", "steps", "record_every", "snapshots"): _by_size(scale), "seed": few}
        ),
        "decays": Sweep(base, {"weight_decay": _DECAYS, "seed": few}),
        "inputs": Sweep(base, {"scale": ("unit", "l2"), "seed": few}),
    }


def _by_size(scale: _Scale) -> Sequence[tuple[Any, ...]]:
    """As many passes over the data at every size, by batches of the same size."""
    batch = scale.train_size // _BATCHES
    steps = [_EPOCHS[-1] * -(-size // batch) for size in scale.sizes]
    return [(size, min(size, batch), n, n, (0, n)) for size, n in zip(scale.sizes, steps, strict=True)]


def _errors(snapshot: Snapshot) -> dict[str, Any]:
    outputs = np.asarray(snapshot.outputs(snapshot.train.x))
    return {
        "label": ("example", snapshot.train.y),
        "wrong": ("example", (outputs.argmax(axis=1) != snapshot.train.y).astype(np.float32)),
    }


def _analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    values = {name: measure(dataset, [dimensionality(), _errors]) for name, dataset in datasets.items()}
    values = {name: dataset.squeeze("layer", drop=True) for name, dataset in values.items()}
    pictures = extremes(datasets["stages"], values["stages"]["data_dimensionality"])
    return Findings(
        tables={
            "published": claims(values, pictures, _dataset_of(datasets["stages"])),
            "rank": tables.ranks(values),
            "stages": tables.stages(datasets["stages"], values["stages"]),
            "classes": tables.classes(values["stages"]),
            "correlations": tables.correlations(values),
        },
        figures={
            "curves": figures.curves(values),
            "errors": figures.errors(values["stages"]),
            "classes": figures.classes(values["stages"]),
            "correlations": figures.correlations(values),
            "examples": figures.examples(pictures),
        },
        captions=figures.CAPTIONS,
        datasets={f"{name}_dimensionality": dataset for name, dataset in values.items()},
    )


def _dataset_of(dataset: xr.Dataset) -> str:
    return str(json.loads(dataset.attrs["experiment"])["task"]["dataset"])


STUDY = Study(
    name="data-dimensionality",
    title="Which points does a network give a direction of their own?",
    source='Marius Hobbhahn, "More findings on maximal data dimension" (Alignment Forum, 2023), after a comment of Chris Olah',
    scales={
        "quick": "scikit-learn's 8 x 8 digits: 1200 examples, 128 neurons, batches of 120; about a minute on 2 cores",
        "fashion-mnist": "Fashion-MNIST: 5,000 examples, 512 neurons, batches of 500, and up to 50,000 examples; "
        "about a quarter of an hour on 2 cores",
        "mnist": "the post's own: MNIST, 5,000 examples, 512 neurons, batches of 500, and up to 50,000 examples; "
        "about a quarter of an hour on 2 cores",
    },
    seeds={"quick": 4, "fashion-mnist": 4, "mnist": 4},
    sweeps=lambda scale, seeds: _sweeps(_SCALES[scale], seeds),
    analyse=_analyse,
)
"""D* by leverage scores, exactly, where the post maximises by gradients: its findings, and what was there before training."""
