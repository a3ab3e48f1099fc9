"""Sweeps of the study forgetting: networks whose rows are followed, and networks without rows chosen from their counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import xarray as xr

from memjax import measures
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import sgd
from memjax.studies.forgetting.numbers import forgotten
from memjax.studies.forgetting.parts import wrong
from memjax.studies.forgetting.pixels import noisy_tasks
from memjax.studies.forgetting.removal import removed_rows
from memjax.studies.kit import Sweep
from memjax.subsets import LeaveOut
from memjax.tasks import Images

__all__ = ["NOISE", "SIZES", "Size", "further", "sweeps"]

_WIDTH, _WIDTHS = 128, (16, 512)
_RATE, _MOMENTUM, _BATCH = 0.1, 0.9, 64
_FEWEST = 3
_COUNTS = ("forgetting_events", measures.by_example(wrong, over="drops"), "correct", "presented_forgetting_events")


NOISE = 0.2
"""Probability that a label is random, in the networks that have such labels."""


class Size(NamedTuple):
    """One scale: data, epochs, the epoch of the early EL2N, and the steps between the records of the sweep ``often``."""

    dataset: str
    train_size: int
    test_size: int
    epochs: int
    early: int
    often: int

    @property
    def epoch(self) -> int:
        """Steps of an epoch; the rows fill all batches."""
        return self.train_size // _BATCH

    @property
    def steps(self) -> int:
        """Steps of a run."""
        return self.epochs * self.epoch

    @property
    def task(self) -> Images:
        """The images, whose labels are random with the probability that is swept."""
        return Images(self.dataset)


_IMAGES = Size("mnist", train_size=10_240, test_size=10_000, epochs=30, early=3, often=16)
SIZES = {
    "quick": Size("digits", train_size=1024, test_size=773, epochs=60, early=6, often=1),
    "fashion-mnist": _IMAGES._replace(dataset="fashion-mnist"),
    "mnist": _IMAGES,
}
"""Scales by their names."""


def sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """Networks on all rows, by name; raises `InputError` if the seeds are too few to compare."""
    if seeds < _FEWEST:
        raise InputError(
            f"seeds is {seeds}: the study forgetting compares seeds, and needs at least {_FEWEST} of them."
        )
    size = SIZES[scale]
    over: dict[str | tuple[str, ...], Sequence[Any]] = {"label_noise": (0.0, NOISE), "seed": range(seeds)}
    followed = _followed(size)
    often = replace(followed, record_every=size.often, examples=_COUNTS, examples_at=(size.often, size.steps))
    counted = ("presented_forgetting_events", "presented_first_learnt")
    other = replace(followed, record_every=size.steps, examples=counted, examples_at=None)
    tasks = noisy_tasks(size.task, size.train_size, size.test_size)
    noisy = replace(other, task=tasks[0], test_size=0, measures=("accuracy",))
    return {
        "runs": Sweep(followed, over),
        "often": Sweep(often, over),
        "widths": Sweep(other, {"hidden": [(width,) for width in _WIDTHS], **over}),
        "pixels": Sweep(noisy, {"task": tasks, "seed": range(seeds)}),
    }


def further(scale: str, datasets: Mapping[str, xr.Dataset]) -> Mapping[str, Sweep]:
    """Networks of further seeds with true labels, on all rows and without the least forgotten, the most, or random ones."""
    size, clean = SIZES[scale], datasets["runs"].sel(label_noise=0.0)
    seeds = clean.sizes["seed"]
    counts = forgotten(clean, size.epochs).mean("seed")
    experiment = replace(
        _followed(size),
        subset=LeaveOut(),
        record_every=size.steps,
        examples=(),
        examples_at=None,
        measures=("accuracy",),
    )
    runs = [(rows, seeds + draw) for draw in range(seeds) for rows in removed_rows(counts, draw)]
    return {"removed": Sweep(experiment, {("left_out", "seed"): runs})}


def _followed(size: Size) -> Experiment:
    return Experiment(
        task=size.task,
        train_size=size.train_size,
        test_size=size.test_size,
        data_seed=0,
        model=MLP(hidden=(_WIDTH,)),
        optimizer=sgd(_RATE, momentum=_MOMENTUM),
        batch_size=_BATCH,
        steps=size.steps,
        record_every=size.epoch,
        measures=(measures.accuracy.on("train", "train_clean", "train_corrupted", "test"),),
        examples=(*_COUNTS, "presented_first_learnt", "presented_aum", "logit_margin", "el2n"),
        examples_at=(size.epoch, size.early * size.epoch, size.steps),
    )
