"""The plan: check every run of a sweep, gather runs that share a program, and fix their partition into blocks."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from memjax.checks import own
from memjax.engine.axes import Axis, Over, cells, read_axes
from memjax.engine.budget import Memory, block_budget, default_budget, fit_lanes, free_bytes
from memjax.engine.check import check_names, check_program, check_start
from memjax.engine.cost import work_of
from memjax.engine.partition import BlockPlan, Packing, Run, default_lanes, partition
from memjax.engine.program import Program, program_of
from memjax.engine.trial import ROWS, try_contracts
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.types import Data, PoolTask, Split, Task
from memjax.validate import check_draw, check_functions, check_nested, check_run, draw_split

__all__ = ["Groups", "Plan", "Samples", "Watch", "gather", "make_plan", "pack", "plan_of", "read_groups", "runs_of"]

Groups = dict[tuple[Program, int], list[Run]]
"""Runs by what they must share to share a block."""

Watch = Callable[[int, int, int], None]
"""Called with the number of all runs, of those planned so far, and of the groups that they make."""


@dataclass(frozen=True)
class Plan:
    """All blocks of a sweep, dearest first.

    Attributes
    ----------
    experiment, axes
        What is swept: together with the index of a run they make its experiment.
    blocks
        How its runs are packed.
    lanes
        How many blocks are at work at the same time.
    memory, budget
        Bytes that it will take, by part, and may take.
    """

    experiment: Experiment
    axes: tuple[Axis, ...]
    blocks: tuple[BlockPlan, ...]
    lanes: int
    memory: Memory
    budget: int

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, in the order of the axes."""
        return tuple(sorted((run for block in self.blocks for run in block.runs), key=lambda run: run.index))


def make_plan(experiment: Experiment, over: Over, packing: Packing, watch: Watch | None = None) -> Plan:
    """Check every run of a sweep and fix how they are packed; ``watch`` is told how far that is.

    Raises
    ------
    InputError
        If any run is not possible; nothing has been traced for training by then.
    """
    axes = read_axes(over)
    groups = read_groups(experiment, axes, watch=watch)
    return plan_of(experiment, axes, pack(groups, packing), packing)


def read_groups(
    experiment: Experiment,
    axes: tuple[Axis, ...],
    indices: Collection[tuple[int, ...]] | None = None,
    watch: Watch | None = None,
) -> Groups:
    """Check the runs of a sweep, and gather those that can share a block.

    Parameters
    ----------
    experiment, axes
        What is swept.
    indices
        Which cells; None takes all.
    watch
        Told how far it is.

    Raises
    ------
    InputError
        If any run is not possible.
    """
    count = math.prod(len(axis.rows) for axis in axes) if indices is None else len(indices)
    groups = gather(cells(experiment, axes, indices), watch and functools.partial(watch, count))
    check_names([label for axis in axes for label in axis.labels], dict.fromkeys(program for program, _ in groups))
    return groups


def pack(groups: Groups, packing: Packing, shards: int = 1) -> list[BlockPlan]:
    """Partition every group into blocks, as many as keep the lanes of all shards busy."""
    wanted = packing.lanes or default_lanes()
    share = block_budget(budget_of(packing), [(program, runs) for (program, _), runs in groups.items()], wanted)
    cores = max(1, default_lanes() // max(1, sum(len(runs) for runs in groups.values())))
    parts = [partition(key[0], runs, packing, wanted * shards, share, cores) for key, runs in groups.items()]
    return [block for part in parts for block in part]


def plan_of(experiment: Experiment, axes: tuple[Axis, ...], blocks: Iterable[BlockPlan], packing: Packing) -> Plan:
    """Plan of some blocks on the lanes of this machine; raises `InputError` if they do not fit its memory."""
    ordered = sorted(blocks, key=lambda block: -block.seconds)
    budget = budget_of(packing)
    lanes, memory = fit_lanes(ordered, packing.lanes or default_lanes(), budget)
    return Plan(experiment, axes, tuple(ordered), lanes, memory, budget)


def budget_of(packing: Packing) -> int:
    """Bytes that a sweep may take."""
    return packing.memory or default_budget()


def gather(
    runs: Iterable[tuple[tuple[int, ...], Experiment]], tell: Callable[[int, int], None] | None = None
) -> Groups:
    """Check runs, each with its index, and gather those that can share a block; raises `InputError` as `read_groups`.

    ``tell`` is called after each run with the number of runs and of groups so far.
    """
    groups: Groups = {}
    samples: Samples = {}
    known: dict[Program, str] = {}
    for done, (index, experiment) in enumerate(runs, 1):
        check_run(experiment)
        _check_sizes(experiment)
        program, run = _run(index, experiment, samples, known, new=True)
        _check_hashable(experiment, program)
        key = program, id(run.pool)
        if key not in groups:
            check_functions(experiment, program.x.struct(2), program.y.struct(2))
            check_program(program)
            try_contracts(program, experiment, _sample(experiment, samples).rows)
            # Here, where progress is told: the partition needs the work, and counting takes as long as the checks.
            work_of(program)
        check_start(program, experiment)
        groups.setdefault(key, []).append(run)
        if tell:
            tell(done, len(groups))
    return groups


def _check_sizes(experiment: Experiment) -> None:
    """Raise `InputError` for sizes that no machine holds, and that the arrays of a plan could not hold either."""
    if max(experiment.sizes()) > _MOST_EXAMPLES:
        raise InputError(
            f"A run has {max(experiment.sizes())} examples in one split, more than the {_MOST_EXAMPLES} that any machine could "
            "hold: lower train_size or test_size."
        )


def runs_of(runs: Iterable[tuple[tuple[int, ...], Experiment]], samples: Samples) -> list[tuple[Program, Run]]:
    """Programs and runs of experiments that have been checked before; ``samples`` is what equal tasks share."""
    known: dict[Program, str] = {}
    return [_run(index, experiment, samples, known) for index, experiment in runs]


def _run(
    index: tuple[int, ...], experiment: Experiment, samples: Samples, known: dict[Program, str], *, new: bool = False
) -> tuple[Program, Run]:
    sample = _sample(experiment, samples, new)
    return program_of(experiment, sample.rows, known), Run(index, experiment, sample.pool)


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
_MOST_EXAMPLES = 10**15


def _identity(task: Task) -> Any:
    """Key of a task: equal tasks share it, and one that holds arrays and so has no hash stands for itself."""
    try:
        hash(task)
    except TypeError:
        return id(task)
    return task


def _sample(run: Experiment, samples: Samples, new: bool = False) -> Sample:
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


def _check_hashable(run: Experiment, program: Program) -> None:
    for name in ("model", "optimizer", "measures"):
        try:
            hash(getattr(program, name))
        except TypeError:
            raise InputError(
                f"The {name} {getattr(run, name)!r} holds something that has no hash, such as a list: use tuples and "
                "functions, so that runs with the same structure can share a program."
            ) from None
