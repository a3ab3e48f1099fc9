"""Blocks: a group of runs is cut into blocks of one packed shape, by runs per block and room for tiles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.engine.plan.cost import Work, run_seconds, work_of
from memjax.engine.plan.memory import block_bytes
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.segments import segment_records
from memjax.engine.plan.widths import width_classes
from memjax.engine.program.program import Program
from memjax.engine.program.step import Schedule
from memjax.engine.program.tiles import Shape
from memjax.errors import InputError
from memjax.experiment import Experiment

__all__ = ["BlockPlan", "Run", "block_of", "halves", "partition"]

# Streamed blocks: beyond these a step's fixed cost is spread thin already, or parameters and moments leave the cache.
_MOST_RUNS = 16
_CACHED_BYTES = 2.5e5


@dataclass(frozen=True)
class Run:
    """One cell of the sweep: its index along the axes, its experiment, and the pool that its task draws from, if any."""

    index: tuple[int, ...]
    experiment: Experiment
    pool: np.ndarray | None

    @property
    def step_examples(self) -> int:
        """Examples that a step trains on."""
        return self.experiment.batch_size or self.experiment.sizes()[0]


@dataclass(frozen=True)
class BlockPlan:
    """Runs that go through one call of one program together.

    Attributes
    ----------
    program, schedule, shape
        What is compiled.
    records
        Records per segment.
    runs
        At most ``shape.runs`` of them; the rest is padding.
    pool
        Inputs that the runs hold indices into, or None.
    seconds, bytes
        Rough cost on one lane, and memory while it trains.
    name
        What it is called in a store.
    """

    program: Program
    schedule: Schedule
    shape: Shape
    records: int
    runs: tuple[Run, ...]
    pool: np.ndarray | None
    seconds: float
    bytes: int
    name: str = ""

    @property
    def key(self) -> Any:
        """What decides which programs are compiled: blocks of one key share them."""
        rows = None if self.pool is None else len(self.pool)
        return self.program, self.schedule, self.shape, self.records, rows

    @property
    def examples(self) -> int:
        """Examples that a step of this block trains on, padding not counted."""
        return sum(run.step_examples for run in self.runs)


def partition(
    program: Program, runs: Sequence[Run], packing: Packing, lanes: int, budget: int, cores: int
) -> Iterable[BlockPlan]:
    """Cut runs that share a program, and a pool if they have one, into blocks of at most ``budget`` bytes if possible.

    ``cores`` is how many each run has to itself.
    """
    schedule: Schedule = packing.schedule or ("streamed" if jax.default_backend() == "cpu" else "batched")
    group = _Group(program, schedule, work_of(program), runs[0].pool, cores if schedule == "streamed" else 1)
    ordered = sorted(runs, key=lambda run: -run.experiment.sizes()[0])
    for part, width in _by_width(ordered, group, packing.width):
        per_block = packing.runs or _block_runs(part, width, group, lanes, budget)
        yield from _cut(part, width, per_block, group)


def _by_width(runs: list[Run], group: _Group, width: int | None) -> list[tuple[list[Run], int]]:
    """Runs, largest first, cut into parts of one tile width each; all in one where the width is given."""
    if width:
        return [(runs, width)]
    sizes = np.array([run.experiment.sizes() for run in runs])
    return [(runs[part], width) for part, width in width_classes(sizes, group.cores, group.seconds)]


class _Group(NamedTuple):
    """What all blocks of a group share."""

    program: Program
    schedule: Schedule
    work: Work
    pool: np.ndarray | None
    cores: int

    def seconds(self, sizes: np.ndarray, width: int, block: int) -> np.ndarray:
        return run_seconds(sizes, width, block, self.work, self.program, self.cores)

    def block(self, runs: list[Run], shape: Shape, records: int, held: int) -> BlockPlan:
        sizes = np.array([run.experiment.sizes() for run in runs])
        seconds = float(self.seconds(sizes, shape.width, shape.runs).sum())
        return BlockPlan(self.program, self.schedule, shape, records, tuple(runs), self.pool, seconds, held)

    def bytes(self, shape: Shape) -> int:
        return block_bytes(self.program, self.schedule, shape, self.work, self.pool is not None)


def _block_runs(runs: list[Run], width: int, group: _Group, lanes: int, budget: int) -> int:
    """Runs per block: streamed, few enough to stay in cache and to feed all lanes; batched, as many as fit in memory."""
    fair = math.ceil(len(runs) / lanes)
    if group.schedule == "streamed":
        cached = int(_CACHED_BYTES / (group.work.state_bytes + 4 * group.work.parameters))
        return max(1, min(_MOST_RUNS, cached, fair))
    count = fair
    while count > 1 and (needed := group.bytes(_shape([runs[:count]], width, count))) > budget:
        count = max(1, min(count - 1, int(count * budget / needed)))
    return count


def _cut(runs: list[Run], width: int, per_block: int, group: _Group) -> Iterable[BlockPlan]:
    """Cut a class of runs, largest first, into blocks of the same packed shape."""
    parts = [runs[start : start + per_block] for start in range(0, len(runs), per_block)]
    shape = _shape(parts, width, per_block)
    held = group.bytes(shape)
    for part in parts:
        records = segment_records(group.program, shape, _snapshots(part))
        yield group.block(part, shape, records, held)


def _snapshots(runs: Iterable[Run]) -> set[int]:
    return {step for run in runs for step in run.experiment.snapshots}


def halves(block: BlockPlan) -> list[BlockPlan]:
    """Blocks of half as many runs, with the same runs between them."""
    group = _Group(block.program, block.schedule, work_of(block.program), block.pool, 1)
    return list(_cut(list(block.runs), block.shape.width, math.ceil(block.shape.runs / 2), group))


def block_of(
    program: Program, schedule: Schedule, shape: Shape, records: int, runs: Sequence[Run], name: str = ""
) -> BlockPlan:
    """A block whose packed shape is known, as one that was written down.

    Raises
    ------
    InputError
        If the runs do not fit into the shape, or the segments not into the steps.
    """
    group = _Group(program, schedule, work_of(program), runs[0].pool, 1)
    room = [_room(list(runs), shape.runs, split, shape.width) for split in (0, 1)]
    uneven = records < 1 or program.num_records % records
    if len(runs) > shape.runs or room[0] > shape.train_tiles or room[1] > shape.test_tiles or uneven:
        raise InputError(
            f"The runs of block {name} do not fit into its packed shape {tuple(shape)} in segments of {records} records: "
            "the plan was altered, or is not of this experiment."
        )
    return replace(group.block(list(runs), shape, records, group.bytes(shape)), name=name)


def _shape(parts: list[list[Run]], width: int, per_block: int) -> Shape:
    """Packed shape with room for each of some blocks."""
    room = [max(_room(part, per_block, split, width) for part in parts) for split in (0, 1)]
    return Shape(per_block, width, _round_up(room[0]), _round_up(room[1]))


def _room(part: list[Run], per_block: int, split: int, width: int) -> int:
    """Tiles of a split of one block, whose missing runs repeat the last one."""
    tiles = [math.ceil(run.experiment.sizes()[split] / width) for run in part]
    return sum(tiles) + tiles[-1] * (per_block - len(part))


def _round_up(tiles: int) -> int:
    """Next of eight sizes per octave, so that sweeps of nearly the same size share a program."""
    grain = max(1, 2 ** (tiles.bit_length() - 4))
    return math.ceil(tiles / grain) * grain
