"""A few examples of every task of a sweep: they tell shapes and dtypes, and the contracts of the task are tried on them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from memjax.checks.values import own
from memjax.engine.plan.budget import free_bytes
from memjax.engine.program.contracts import ROWS
from memjax.errors import InputError
from memjax.experiment.draw import draw_split
from memjax.experiment.draw_contract import check_draw, check_nested
from memjax.experiment.experiment import Experiment
from memjax.types import Data, PoolTask, Split, Task

__all__ = ["Sample", "Samples", "sample_of"]


class Sample(NamedTuple):
    """A few examples of a task, with its pool resolved, and the pool: equal tasks share both.

    It has the train size of a user's task until runs of another size come, when nesting is tried. It holds the task, for a
    task without a hash is known by its address, which must not be another's meanwhile.
    """

    rows: Data
    pool: np.ndarray | None
    task: Task
    train_size: int | None


Samples = dict[Any, Sample]
"""By task."""

_FEW, _ENOUGH = 2, 4096


def _identity(task: Task) -> Any:
    """Key of a task: equal tasks share it, and one that holds arrays and so has no hash stands for itself."""
    try:
        hash(task)
    except TypeError:
        return id(task)
    return task


def sample_of(run: Experiment, samples: Samples, new: bool = False) -> Sample:
    """Sample of a run's task, which is tried if it is new: what a worker is sent was tried before."""
    key = _identity(run.task)
    if key not in samples:
        split = _few_examples(run)
        if new:
            check_draw(run, split)
        x, y = split.train
        pool = run.task.pool if isinstance(run.task, PoolTask) else None
        # Copied, so that a few rows do not keep a whole split in memory.
        rows = np.array(x[:ROWS] if pool is None else pool[x[:ROWS]])
        samples[key] = Sample(Data(rows, np.array(y[:ROWS])), pool, run.task, run.sizes()[0] if own(run.task) else None)
    size = samples[key].train_size
    if new and size is not None and size != run.sizes()[0]:
        check_nested(run, size)
        samples[key] = samples[key]._replace(train_size=None)
    return samples[key]


def _few_examples(run: Experiment) -> Split:
    """Examples enough to see what a run's are like, and not more than memory holds: the plan says what all would take."""
    sizes = run.sizes()
    try:
        row = _row_bytes(run, _at_most(_FEW, sizes))
        most = max(_FEW, min(_ENOUGH, free_bytes() // (16 * row))) if row else max(sizes)
        return draw_split(run, _at_most(most, sizes))
    except MemoryError as problem:
        raise InputError(
            f"The {sizes[0]} train and {sizes[1]} test examples of a run take more memory than there is: give fewer, or "
            "smaller ones."
        ) from problem


def _at_most(most: int, sizes: tuple[int, int]) -> tuple[int, int]:
    return min(most, sizes[0]), min(most, sizes[1])


def _row_bytes(run: Experiment, few: tuple[int, int]) -> int | None:
    """Bytes of an example, from a few; None of a task that serves no other sizes than those asked for."""
    try:
        parts = run.task.draw(run.data_key, *few)
        if any(len(array) != size for part, size in zip(parts, few, strict=True) for array in part):
            return None
        return 1 + sum(np.asarray(array).nbytes for part in parts for array in part) // min(few)
    except MemoryError:
        raise
    except Exception:
        return None
