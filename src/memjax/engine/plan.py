"""The plan: check every run of a sweep, gather runs that share a program, and fix their partition into blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from memjax.engine.axes import Axis, Over, cells, read_axes
from memjax.engine.budget import Memory, block_budget, default_budget, fit_lanes
from memjax.engine.check import check_names, check_program
from memjax.engine.partition import BlockPlan, Packing, Run, default_lanes, partition
from memjax.engine.program import Program, program_of
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.types import Data, PoolTask, Task
from memjax.validate import check_functions, check_run, draw_split

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """All blocks of a sweep, dearest first.

    Attributes
    ----------
    axes, blocks
        What is swept, and how its runs are packed.
    lanes
        How many blocks are at work at the same time.
    memory, budget
        Bytes that it will take, by part, and may take.
    """

    axes: tuple[Axis, ...]
    blocks: tuple[BlockPlan, ...]
    lanes: int
    memory: Memory
    budget: int

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, in the order of the axes."""
        return tuple(sorted((run for block in self.blocks for run in block.runs), key=lambda run: run.index))


def make_plan(experiment: Experiment, over: Over, packing: Packing) -> Plan:
    """Check every run of a sweep and fix how they are packed.

    Raises
    ------
    InputError
        If any run is not possible; nothing has been traced for training by then.
    """
    axes = read_axes(over)
    groups = _groups(experiment, axes)
    programs = dict.fromkeys(program for program, _ in groups)
    check_names([label for axis in axes for label in axis.labels], programs)
    for program in programs:
        check_program(program)
    wanted, budget = packing.lanes or default_lanes(), packing.memory or default_budget()
    share = block_budget(budget, [(program, runs) for (program, _), runs in groups.items()], wanted)
    cores = max(1, default_lanes() // sum(len(runs) for runs in groups.values()))
    parts = [partition(program, runs, packing, wanted, share, cores) for (program, _), runs in groups.items()]
    blocks = sorted((block for part in parts for block in part), key=lambda block: -block.seconds)
    lanes, memory = fit_lanes(blocks, wanted, budget)
    return Plan(axes, tuple(blocks), lanes, memory, budget)


def _groups(experiment: Experiment, axes: tuple[Axis, ...]) -> dict[Any, list[Run]]:
    """Runs of a sweep by what they must share to share a block: the program, and the pool if there is one."""
    groups: dict[Any, list[Run]] = {}
    samples: dict[Any, Sample] = {}
    for index, run in cells(experiment, axes):
        check_run(run)
        sample = _sample(run, samples)
        program = program_of(run, sample.rows)
        _check_hashable(run, program)
        key = program, id(sample.pool)
        if key not in groups:
            check_functions(run, program.x.struct(2), program.y.struct(2))
        groups.setdefault(key, []).append(Run(index, run, sample.pool))
    return groups


class Sample(NamedTuple):
    """One example of a task, with its pool resolved, and the pool: equal tasks share both."""

    rows: Data
    pool: np.ndarray | None


def _identity(task: Task) -> Any:
    """Key of a task: equal tasks share it, and one that holds arrays and so has no hash stands for itself."""
    try:
        hash(task)
    except TypeError:
        return id(task)
    return task


def _sample(run: Experiment, samples: dict[Any, Sample]) -> Sample:
    key = _identity(run.task)
    if key not in samples:
        (x, y), _ = draw_split(run)
        pool = run.task.pool if isinstance(run.task, PoolTask) else None
        # Copied, so that one row does not keep a whole split in memory.
        samples[key] = Sample(Data(np.array((x if pool is None else pool)[:1]), np.array(y[:1])), pool)
    return samples[key]


def _check_hashable(run: Experiment, program: Program) -> None:
    for name in ("model", "optimizer", "measures"):
        try:
            hash(getattr(program, name))
        except TypeError:
            raise InputError(
                f"The {name} {getattr(run, name)!r} holds something that has no hash, such as a list: use tuples and "
                "functions, so that runs with the same structure can share a program."
            ) from None
