"""Which rows of its data set each run of a block trains on, and the row number of every example that is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memjax.engine.program.program import Program
from memjax.experiment import Experiment
from memjax.experiment.rows import row_numbers
from memjax.experiment.splits import corrupted, examples_of
from memjax.experiment.train_size import is_fresh
from memjax.measures.by_example import example_dim
from memjax.types import Data, EvaluatedTask, NoisyTask, Split

__all__ = ["CORRUPTED", "NO_ROW", "TRAIN_COUNT", "example_rows"]

NO_ROW = -1
"""Row number that fills the place behind the examples of a run."""
TRAIN_COUNT, CORRUPTED = "train_count", "corrupted"
"""Names of two variables: how often a row stands in the train set of a run, and whether its target is corrupted."""


def example_rows(
    program: Program, runs: Sequence[Experiment], drawn: Sequence[Split], picked: Sequence[np.ndarray | None]
) -> dict[str, np.ndarray]:
    """Row numbers ``int32[R, W]`` of the examples of all runs, by dimension, and of the data set what became of each row.

    Parameters
    ----------
    program, runs
        The program and the runs of a block.
    drawn
        Data set and test set of every run.
    picked
        Positions in the data set of the rows on which each run trains; None for all.

    Returns
    -------
    dict
        ``example`` with `TRAIN_COUNT` and, of tasks with noise, `CORRUPTED`; one more dimension for each further split that
        is measured by example. Empty if the program measures none, and no run has a subset. Runs with fresh examples have
        no data set, so they have the further dimensions alone.
    """
    splits = {split for part in program.by_example for split in part.splits} - {"data"}
    if not program.by_example and all(places is None for places in picked):
        return {}
    found = {} if any(map(is_fresh, runs)) else _of_data_set(runs, drawn, picked)
    for split in sorted(splits):
        parts = zip(runs, drawn, picked, strict=True)
        found[example_dim(split)] = _padded([_rows(split, *part) for part in parts], np.int32)
    return found


def _of_data_set(
    runs: Sequence[Experiment], drawn: Sequence[Split], picked: Sequence[np.ndarray | None]
) -> dict[str, np.ndarray]:
    """Row numbers of the data sets, and what became of each row."""
    found: dict[str, np.ndarray] = {
        "example": _padded([_numbers(run, data).train.x for run, data in zip(runs, drawn, strict=True)], np.int32),
        TRAIN_COUNT: _padded([_counts(data, places) for data, places in zip(drawn, picked, strict=True)], np.uint16, 0),
    }
    if all(isinstance(run.task, NoisyTask) for run in runs):
        wrong = [corrupted(run, data.train) for run, data in zip(runs, drawn, strict=True)]
        found[CORRUPTED] = _padded(wrong, np.bool_, 0)
    return found


def _numbers(run: Experiment, data: Split) -> Split:
    """Data set and test set with the number of each row in place of its inputs."""
    parts = (Data(row_numbers(run, part), part.y) for part in data)
    return Split(*parts)


def _rows(split: str, run: Experiment, data: Split, places: np.ndarray | None) -> np.ndarray:
    numbers = _numbers(run, data)
    if split == "test":
        return numbers.test.x
    places = np.arange(len(data.train.y)) if places is None else places
    if split == "train":
        return numbers.train.x[places]
    examples = examples_of(run, split, numbers, places)
    named = isinstance(run.task, EvaluatedTask) and split in run.task.evaluation_sizes
    return row_numbers(run, examples) if named else examples.x


def _counts(data: Split, places: np.ndarray | None) -> np.ndarray:
    size = len(data.train.y)
    return np.ones(size, int) if places is None else np.bincount(places, minlength=size)


def _padded(rows: Sequence[np.ndarray], dtype: type, fill: int = NO_ROW) -> np.ndarray:
    found: np.ndarray = np.full((len(rows), max(map(len, rows))), fill, dtype)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return found
