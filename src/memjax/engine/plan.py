"""The plan: runs into groups that share a program, groups into blocks of one packed shape. Fixed before anything runs."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from memjax.engine.axes import Axis, cells
from memjax.engine.cost import COMPILE_SECONDS, candidate_widths, run_seconds
from memjax.engine.pack import Shape
from memjax.engine.program import Program, program_of
from memjax.engine.step import Schedule
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.models.adapt import parameter_count, with_outputs
from memjax.types import Data, PoolTask, Task
from memjax.validate import check_data, check_functions, check_run

__all__ = ["BlockPlan", "Packing", "Plan", "Run", "make_plan"]


@dataclass(frozen=True)
class Packing:
    """How runs are packed; every None is chosen for the backend and the work.

    Attributes
    ----------
    schedule
        ``streamed`` (tile after tile, for CPUs) or ``batched`` (all tiles at once, for GPUs and TPUs).
    lanes
        Blocks at work at the same time; on a CPU one per core, else one per device.
    width
        Examples in a tile.
    runs
        Runs in a block.
    """

    schedule: Schedule | None = None
    lanes: int | None = None
    width: int | None = None
    runs: int | None = None

    def __post_init__(self) -> None:
        if self.schedule not in (None, "streamed", "batched"):
            raise InputError(f"Packing.schedule is {self.schedule!r}: use streamed, batched or None.")
        for name in ("lanes", "width", "runs"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise InputError(f"Packing.{name} is {value!r}: give a whole number of at least 1, or None.")


@dataclass(frozen=True)
class Run:
    """One cell of the sweep: its index along the axes and its experiment."""

    index: tuple[int, ...]
    experiment: Experiment


@dataclass(frozen=True)
class BlockPlan:
    """Runs that go through one call of one program together.

    Attributes
    ----------
    program, schedule, shape
        What is compiled.
    runs
        At most ``shape.runs`` of them; the rest is padding.
    pool
        Task that owns the inputs, or None.
    seconds
        Rough cost on one lane, to deal by.
    """

    program: Program
    schedule: Schedule
    shape: Shape
    runs: tuple[Run, ...]
    pool: Task | None
    seconds: float

    @property
    def examples(self) -> int:
        """Examples that a step of this block trains on, padding not counted."""
        return sum(_step_examples(run) for run in self.runs)


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
    lanes = packing.lanes or _default_lanes()
    blocks = [block for (program, _), runs in groups.items() for block in _group_blocks(program, runs, packing, lanes)]
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


def _default_lanes() -> int:
    if jax.default_backend() != "cpu":
        return jax.local_device_count()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(cores, jax.local_device_count())


def _step_examples(run: Run) -> int:
    return run.experiment.batch_size or run.experiment.sizes()[0]


def _group_blocks(program: Program, runs: list[Run], packing: Packing, lanes: int) -> Iterable[BlockPlan]:
    task = runs[0].experiment.task
    pool = task if isinstance(task, PoolTask) else None
    schedule: Schedule = packing.schedule or ("streamed" if jax.default_backend() == "cpu" else "batched")
    parameters = _parameters(runs[0], program)
    ordered = sorted(runs, key=lambda run: -_step_examples(run))
    for part, width in _tile_classes(ordered, parameters, program, packing):
        per_block = packing.runs or _block_runs(part, width, parameters, schedule, lanes)
        yield from _cut(program, pool, schedule, part, width, per_block, parameters)


def _parameters(run: Run, program: Program) -> int:
    model = with_outputs(run.experiment.model, run.experiment.task.num_outputs)
    return parameter_count(model, program.x.struct(1))


def _tile_classes(runs: list[Run], parameters: int, program: Program, packing: Packing) -> list[tuple[list[Run], int]]:
    """Split runs, largest first, into at most two classes of one tile width each: two where that saves its compile."""
    if packing.width:
        return [(runs, packing.width)]
    sizes = [_step_examples(run) for run in runs]

    def best(part: Sequence[int]) -> tuple[float, int]:
        unique, times = np.unique(part, return_counts=True)
        cost = lambda width: sum(  # noqa: E731
            t * run_seconds(int(n), width, 1, parameters, program.steps) for n, t in zip(unique, times, strict=True)
        )
        return min((cost(width), width) for width in candidate_widths([int(n) for n in unique]))

    cuts = [0, *(i for i in range(1, len(sizes)) if sizes[i] != sizes[i - 1])]
    choices = []
    for cut in cuts:
        parts = [(runs[:cut], sizes[:cut]), (runs[cut:], sizes[cut:])] if cut else [(runs, sizes)]
        priced = [(part, *best(part_sizes)) for part, part_sizes in parts]
        total = sum(seconds for _, seconds, _ in priced) + COMPILE_SECONDS * len(priced)
        choices.append((total, cut, [(part, width) for part, _, width in priced]))
    return min(choices, key=lambda choice: choice[:2])[2]


def _block_runs(runs: list[Run], width: int, parameters: int, schedule: Schedule, lanes: int) -> int:
    """Runs per block: streamed, few enough to stay in cache and to feed all lanes; batched, as many as fit in memory."""
    tiles = [math.ceil(_step_examples(run) / width) for run in runs]
    if schedule == "batched":
        room = _memory_budget() // (4 * 6 * parameters)
        return max(1, int(len(runs) * min(1.0, room / sum(tiles))))
    wanted = 1.6e7 / (tiles[0] * width * 6 * parameters)
    return max(1, min(8, int(wanted), math.ceil(len(runs) / lanes)))


def _memory_budget() -> int:
    """Bytes that a block may take: half of what the device reports, or 2 GiB where it does not say."""
    stats = jax.local_devices()[0].memory_stats() or {}
    return int(stats.get("bytes_limit", 4 * 2**30)) // 2


def _cut(
    program: Program,
    pool: Task | None,
    schedule: Schedule,
    runs: list[Run],
    width: int,
    per_block: int,
    parameters: int,
) -> Iterable[BlockPlan]:
    """Cut a class of runs, largest first, into blocks of the same packed shape."""
    parts = [runs[start : start + per_block] for start in range(0, len(runs), per_block)]
    room = [max(_room(part, per_block, split, width) for part in parts) for split in (0, 1)]
    shape = Shape(per_block, width, _round_up(room[0]), _round_up(room[1]))
    for part in parts:
        seconds = sum(run_seconds(_step_examples(run), width, per_block, parameters, program.steps) for run in part)
        yield BlockPlan(program, schedule, shape, tuple(part), pool, seconds)


def _room(part: list[Run], per_block: int, split: int, width: int) -> int:
    tiles = [math.ceil(run.experiment.sizes()[split] / width) for run in part]
    return sum(tiles) + tiles[-1] * (per_block - len(part))


def _round_up(tiles: int) -> int:
    """Next of eight sizes per octave, so that sweeps of nearly the same size share a program."""
    grain = max(1, 2 ** (tiles.bit_length() - 4))
    return math.ceil(tiles / grain) * grain
