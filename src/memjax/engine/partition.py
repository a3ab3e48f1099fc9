"""Partition a group of runs into blocks of one packed shape: tile widths, runs per block, room for tiles."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.checks import keep_wholes
from memjax.engine.cost import COMPILE_SECONDS, Work, candidate_widths, run_seconds, work_of
from memjax.engine.memory import block_bytes
from memjax.engine.pack import Shape
from memjax.engine.program import Program
from memjax.engine.segments import segment_records
from memjax.engine.step import Schedule
from memjax.errors import InputError
from memjax.experiment import Experiment

__all__ = ["BlockPlan", "Packing", "Run", "block_of", "default_lanes", "halves", "partition"]

_MOST_CHOICES = 16
# Streamed blocks: beyond these a step's fixed cost is spread thin already, or parameters and moments leave the cache.
_MOST_RUNS = 16
_CACHED_BYTES = 2.5e5


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
    memory
        Bytes that the sweep may take beside what the process holds already: by default half of what is free, and on an
        accelerator half of the device. Blocks and lanes are chosen to stay below; what cannot is refused.
    """

    schedule: Schedule | None = None
    lanes: int | None = None
    width: int | None = None
    runs: int | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.schedule not in (None, "streamed", "batched"):
            raise InputError(f"Packing.schedule is {self.schedule!r}: use streamed, batched or None.")
        keep_wholes(self, dict.fromkeys(("lanes", "width", "runs", "memory"), 1), optional=True)


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


def default_lanes() -> int:
    """One lane per core of a CPU that this process may use, else one per device."""
    if jax.default_backend() != "cpu":
        return jax.local_device_count()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(cores, jax.local_device_count())


def partition(
    program: Program, runs: Sequence[Run], packing: Packing, lanes: int, budget: int, cores: int
) -> Iterable[BlockPlan]:
    """Cut runs that share a program, and a pool if they have one, into blocks of at most ``budget`` bytes if possible.

    ``cores`` is how many each run has to itself.
    """
    schedule: Schedule = packing.schedule or ("streamed" if jax.default_backend() == "cpu" else "batched")
    maker = _Maker(program, schedule, work_of(program), runs[0].pool, cores if schedule == "streamed" else 1)
    ordered = sorted(runs, key=lambda run: -run.experiment.sizes()[0])
    for part, width in _tile_classes(ordered, maker, packing):
        per_block = packing.runs or _block_runs(part, width, maker, lanes, budget)
        yield from _cut(part, width, per_block, maker)


class _Maker(NamedTuple):
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


def _tile_classes(runs: list[Run], maker: _Maker, packing: Packing) -> list[tuple[list[Run], int]]:
    """Split runs, largest first, into classes of one tile width each: one more wherever that saves its compile."""
    if packing.width:
        return [(runs, packing.width)]
    sizes = np.array([run.experiment.sizes() for run in runs])
    return [(runs[part], width) for part, width in _classes(sizes, slice(0, len(runs)), maker)]


def _classes(sizes: np.ndarray, part: slice, maker: _Maker) -> list[tuple[slice, int]]:
    """Cut a part in two where that is cheapest, if it pays, and each of the two again."""
    seconds, width = _best_width(sizes[part], maker)
    cuts = _spread(part.start + 1 + np.flatnonzero(np.diff(sizes[part, 0])))
    halves = [(slice(part.start, cut), slice(cut, part.stop)) for cut in cuts]
    costs = [sum(_best_width(sizes[half], maker)[0] for half in pair) for pair in halves]
    if not costs or min(costs) + COMPILE_SECONDS >= seconds:
        return [(part, width)]
    return [found for half in halves[int(np.argmin(costs))] for found in _classes(sizes, half, maker)]


def _best_width(sizes: np.ndarray, maker: _Maker) -> tuple[float, int]:
    """Seconds on one lane with the best tile width for runs of some sizes ``[R, 2]``, and that width."""
    unique, times = np.unique(sizes, axis=0, return_counts=True)
    widths = candidate_widths(_spread(np.unique(unique[:, 0])), maker.cores)
    return min((float(times @ maker.seconds(unique, width, 1)), width) for width in widths)


def _spread(values: np.ndarray) -> list[int]:
    """At most a few of the values, evenly over them: a sweep over a thousand sizes needs no thousand widths tried."""
    if not len(values):
        return []
    places = np.linspace(0, len(values) - 1, min(len(values), _MOST_CHOICES))
    return [int(values[round(place)]) for place in places]


def _block_runs(runs: list[Run], width: int, maker: _Maker, lanes: int, budget: int) -> int:
    """Runs per block: streamed, few enough to stay in cache and to feed all lanes; batched, as many as fit in memory."""
    fair = math.ceil(len(runs) / lanes)
    if maker.schedule == "streamed":
        cached = int(_CACHED_BYTES / (maker.work.state_bytes + 4 * maker.work.parameters))
        return max(1, min(_MOST_RUNS, cached, fair))
    count = fair
    while count > 1 and (needed := maker.bytes(_shape([runs[:count]], width, count))) > budget:
        count = max(1, min(count - 1, int(count * budget / needed)))
    return count


def _cut(runs: list[Run], width: int, per_block: int, maker: _Maker) -> Iterable[BlockPlan]:
    """Cut a class of runs, largest first, into blocks of the same packed shape."""
    parts = [runs[start : start + per_block] for start in range(0, len(runs), per_block)]
    shape = _shape(parts, width, per_block)
    held = maker.bytes(shape)
    for part in parts:
        records = segment_records(maker.program, shape, _snapshots(part))
        yield maker.block(part, shape, records, held)


def _snapshots(runs: Iterable[Run]) -> set[int]:
    return {step for run in runs for step in run.experiment.snapshots}


def halves(block: BlockPlan) -> list[BlockPlan]:
    """Blocks of half as many runs, with the same runs between them."""
    maker = _Maker(block.program, block.schedule, work_of(block.program), block.pool, 1)
    return list(_cut(list(block.runs), block.shape.width, math.ceil(block.shape.runs / 2), maker))


def block_of(
    program: Program, schedule: Schedule, shape: Shape, records: int, runs: Sequence[Run], name: str = ""
) -> BlockPlan:
    """A block whose packed shape is known, as one that was written down.

    Raises
    ------
    InputError
        If the runs do not fit into the shape, or the segments not into the steps.
    """
    maker = _Maker(program, schedule, work_of(program), runs[0].pool, 1)
    room = [_room(list(runs), shape.runs, split, shape.width) for split in (0, 1)]
    uneven = records < 1 or program.num_records % records
    if len(runs) > shape.runs or room[0] > shape.train_tiles or room[1] > shape.test_tiles or uneven:
        raise InputError(
            f"The runs of block {name} do not fit into its packed shape {tuple(shape)} in segments of {records} records: "
            "the plan was altered, or is not of this experiment."
        )
    return replace(maker.block(list(runs), shape, records, maker.bytes(shape)), name=name)


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
