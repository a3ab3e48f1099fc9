"""A few examples of every task of a sweep: for shapes and dtypes, and to test the contracts of the task."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from memjax.checks.values import is_user_code
from memjax.engine.plan.budget import free_bytes
from memjax.engine.program.contracts import ROWS
from memjax.errors import InputError
from memjax.experiment.draw import draw_data
from memjax.experiment.draw_contract import check_draw, check_nested
from memjax.experiment.experiment import Experiment
from memjax.experiment.train_size import is_fresh
from memjax.types import Data, PoolTask, Split, Task

__all__ = ["Sample", "Samples", "sample_of"]


class Sample(NamedTuple):
    """A few examples of a task, with indices into its pool replaced by inputs, and the pool; equal tasks share one sample.

    For a user's task the sample also keeps the train size, until a run of another size comes: then nesting is tested. It
    keeps the task alive: a task without a hash is looked up by `id()`, and Python could give a freed id to another object.
    """

    rows: Data
    pool: np.ndarray | None
    task: Task
    train_size: int | None


Samples = dict[Any, Sample]
"""Samples by task."""

_FEW, _ENOUGH = 2, 4096


def _key_of(task: Task) -> Any:
    """Key of a task: equal tasks share a key; a task without a hash, such as one that holds arrays, is equal only to itself."""
    try:
        hash(task)
    except TypeError:
        return id(task)
    return task


def sample_of(run: Experiment, samples: Samples, new: bool = False) -> Sample:
    """Sample of a run's task. A new task is tested first, except in a worker, whose tasks were tested before."""
    key = _key_of(run.task)
    if key not in samples:
        split = _few_examples(run)
        if new:
            check_draw(run, split)
        x, y = split.train
        pool = run.task.pool if isinstance(run.task, PoolTask) else None
        # Copied, so that a few rows do not keep a whole split in memory.
        rows = np.array(x[:ROWS] if pool is None else pool[x[:ROWS]])
        samples[key] = Sample(
            Data(rows, np.array(y[:ROWS])), pool, run.task, _sizes(run)[0] if is_user_code(run.task) else None
        )
    size = samples[key].train_size
    if new and size is not None and size != run.data_sizes()[0] and not is_fresh(run):
        check_nested(run, size)
        samples[key] = samples[key]._replace(train_size=None)
    return samples[key]


def _sizes(run: Experiment) -> tuple[int, int]:
    """Sizes of the data set and the test set; a run with fresh examples is given a small data set, to look at."""
    size, test_size = run.data_sizes()
    return (ROWS if is_fresh(run) else size), test_size


def _few_examples(run: Experiment) -> Split:
    """Enough examples to see shapes and dtypes, and few enough to fit in memory: only the plan knows what all of them take."""
    sizes = _sizes(run)
    try:
        row = _example_bytes(run, _at_most(_FEW, sizes))
        most = max(_FEW, min(_ENOUGH, free_bytes() // (16 * row))) if row else max(sizes)
        return draw_data(run, _at_most(most, sizes))
    except MemoryError as problem:
        raise InputError(
            f"The {sizes[0]} train and {sizes[1]} test examples of a run take more memory than there is: give fewer, or "
            "smaller ones."
        ) from problem


def _at_most(most: int, sizes: tuple[int, int]) -> tuple[int, int]:
    return min(most, sizes[0]), min(most, sizes[1])


def _example_bytes(run: Experiment, few: tuple[int, int]) -> int | None:
    """Bytes of one example, from a few examples; None for a task that cannot serve so few."""
    try:
        parts = run.task.draw(run.data_key, *few)
        if any(len(array) != size for part, size in zip(parts, few, strict=True) for array in part):
            return None
        return 1 + sum(np.asarray(array).nbytes for part in parts for array in part) // max(1, min(few))
    except MemoryError:
        raise
    except Exception:
        return None
