"""The plan: check every run of a sweep, gather runs that share a program, and fix their partition into blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memjax.engine.axes import Axis, cells
from memjax.engine.partition import BlockPlan, Packing, Run, default_lanes, partition
from memjax.engine.program import Program, program_of
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.types import Data, PoolTask, Task
from memjax.validate import check_data, check_functions, check_run

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """All blocks of a sweep, dearest first, and how many lanes work on them."""

    blocks: tuple[BlockPlan, ...]
    lanes: int

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, in the order of the axes."""
        return tuple(sorted((run for block in self.blocks for run in block.runs), key=lambda run: run.index))


def make_plan(experiment: Experiment, axes: tuple[Axis, ...], packing: Packing) -> Plan:
    """Check every run of a sweep and fix how they are packed.

    Raises
    ------
    InputError
        If any run is not possible; nothing has been traced for training by then.
    """
    groups: dict[Any, list[Run]] = {}
    samples: dict[Any, Data] = {}
    for index, run in cells(experiment, axes):
        check_run(run)
        sample = _sample(run, samples)
        program = program_of(run, sample)
        _check_hashable(run, program)
        key = (program, _identity(run.task) if isinstance(run.task, PoolTask) else None)
        if key not in groups:
            _check_program(run, sample, program)
        groups.setdefault(key, []).append(Run(index, run))
    lanes = packing.lanes or default_lanes()
    blocks = [block for (program, _), runs in groups.items() for block in partition(program, runs, packing, lanes)]
    return Plan(tuple(sorted(blocks, key=lambda block: -block.seconds)), lanes)


def _identity(task: Task) -> Any:
    """Key of a task: equal tasks share it, and one that holds arrays and so has no hash stands for itself."""
    try:
        hash(task)
    except TypeError:
        return id(task)
    return task


def _sample(run: Experiment, samples: dict[Any, Data]) -> Data:
    """One example of a run's task with its pool resolved: dtypes and shapes of all the others."""
    key = _identity(run.task)
    if key not in samples:
        data = run.task.draw(run.data_key, *run.sizes()).train
        check_data(run, data)
        samples[key] = Data(run.task.pool[:1] if isinstance(run.task, PoolTask) else data.x[:1], data.y[:1])
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


def _check_program(run: Experiment, sample: Data, program: Program) -> None:
    check_data(run, sample)
    x, y = program.x.struct(2), program.y.struct(2)
    check_functions(run, x, y)
