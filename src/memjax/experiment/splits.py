"""Further splits of a run: the rows that it left out, those with a corrupted target, and the named sets of its task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from memjax.errors import InputError, listing
from memjax.experiment.experiment import Experiment
from memjax.experiment.train_size import is_fresh
from memjax.types import Data, EvaluatedTask, NoisyTask, Split

__all__ = ["DATA", "check_splits", "clean_targets", "corrupted", "examples_of", "room_of"]

DATA = "data"
"""Name of the split of all rows of the data set, chosen or not."""

_Examples = Callable[[Experiment, Data, np.ndarray], Data]


def room_of(experiment: Experiment, split: str) -> int:
    """Largest possible number of examples of a split."""
    if split in (DATA, "held_out"):
        return experiment.data_sizes()[0]
    if split == "train" or split in _OF_TRAIN:
        return experiment.sizes()[0]
    if split == "test":
        return experiment.sizes()[1]
    return int(_sets(experiment)[split])


def examples_of(experiment: Experiment, split: str, drawn: Split, places: np.ndarray) -> Data:
    """Examples of a further split.

    Parameters
    ----------
    experiment, split
        The run, and the name of the split.
    drawn
        The data set and the test set of the run.
    places
        Positions in the data set of the rows on which the run trains.
    """
    if split in _OF_ROWS:
        return _OF_ROWS[split](experiment, drawn.train, places)
    task: Any = experiment.task
    found: Data = task.evaluation_sets(experiment.data_key)[split]
    return found


def check_splits(experiment: Experiment, splits: tuple[str, ...]) -> None:
    """Raise `InputError` where a measure is taken on a split that a run does not have."""
    for split in splits:
        if split in _OF_ROWS and is_fresh(experiment):
            raise InputError(
                f"A measure is taken on {split!r}, but a run with train_size = 'fresh' keeps no data set: use "
                f"{listing(['test', *_sets(experiment)])}, or give a number as train_size."
            )
        if split in _OF_TRAIN and not isinstance(experiment.task, NoisyTask):
            raise InputError(
                f"A measure is taken on {split!r}, but {type(experiment.task).__name__} does not say which targets are "
                "corrupted: leave it out, or give the task a method clean_targets(seed, train_size)."
            )
        if split not in _OF_ROWS and split not in _sets(experiment):
            known = [*("train", "test"), *_OF_ROWS, *_sets(experiment)]
            raise InputError(
                f"A measure is taken on the split {split!r}, which the run does not have: use {listing(known)}."
            )


def _sets(experiment: Experiment) -> dict[str, int]:
    """Sizes of the named evaluation sets of a run's task."""
    return dict(experiment.task.evaluation_sizes) if isinstance(experiment.task, EvaluatedTask) else {}


def _of(data: Data, rows: np.ndarray) -> Data:
    return Data(data.x[rows], data.y[rows])


def _held_out(experiment: Experiment, data: Data, places: np.ndarray) -> Data:
    return _of(data, np.setdiff1d(np.arange(len(data.y)), places))


def _train_clean(experiment: Experiment, data: Data, places: np.ndarray) -> Data:
    return _of(data, places[~corrupted(experiment, data)[places]])


def _train_corrupted(experiment: Experiment, data: Data, places: np.ndarray) -> Data:
    return _of(data, places[corrupted(experiment, data)[places]])


def _train_restored(experiment: Experiment, data: Data, places: np.ndarray) -> Data:
    return Data(data.x[places], clean_targets(experiment, data)[places])


def clean_targets(experiment: Experiment, data: Data) -> np.ndarray:
    """Targets of the rows of a data set before label noise, ``[N, ...]``; the task is a `memjax.types.NoisyTask`."""
    task: Any = experiment.task
    clean: np.ndarray = task.clean_targets(experiment.data_key, len(data.y))
    return clean.astype(data.y.dtype)


def corrupted(experiment: Experiment, data: Data) -> np.ndarray:
    """Whether the target of each row of a data set differs from its clean target, ``bool[N]``."""
    differs = clean_targets(experiment, data) != data.y
    return differs.reshape(len(differs), -1).any(1)


_OF_TRAIN: dict[str, _Examples] = {
    "train_clean": _train_clean,
    "train_corrupted": _train_corrupted,
    "train_restored": _train_restored,
}
_OF_ROWS: dict[str, _Examples] = {DATA: lambda experiment, data, places: data, "held_out": _held_out, **_OF_TRAIN}
