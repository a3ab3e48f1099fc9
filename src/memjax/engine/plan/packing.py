"""Packing: a group of runs is cut into blocks of one packed shape, as a user says or as the cost model chooses."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import numpy as np

from memjax.checks.values import keep_wholes
from memjax.engine.plan.blocks import BlockPlan, Run
from memjax.engine.plan.cost import Work, run_seconds, work_of
from memjax.engine.plan.memory import block_bytes
from memjax.engine.plan.segments import segment_records
from memjax.engine.plan.widths import size_classes, width_classes
from memjax.engine.program.program import Program
from memjax.engine.program.tiles import Schedule, Shape, split_shapes
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.splits import room_of

__all__ = ["Packing", "block_of", "default_lanes", "half_blocks", "partition", "records_of", "schedule_of"]

# Limits of a streamed block. With 16 runs a step's fixed cost per run is small already; above 2.5e5 bytes, parameters and
# optimizer state no longer fit in the cache.
_MOST_RUNS = 16
# A block ends when its last run stops, so runs that may stop share it with few others.
_MOST_STOPPING = 4
_CACHED_BYTES = 2.5e5
# Examples of a batched run come in tiles of this width, which fill the vector loads of a product.
_BATCHED_WIDTH = 16


@dataclass(frozen=True)
class Packing:
    """How runs are packed; memjax chooses every setting that is None from the backend and the work.

    Attributes
    ----------
    schedule
        ``streamed`` (tile after tile, for CPUs) or ``batched`` (all tiles at once, for GPUs and TPUs).
    lanes
        Number of blocks that train at the same time: by default one per core on a CPU, else one per device.
    width
        Examples in a tile. A batched run goes through all its tiles at once, and has as many as the largest of its block.
    runs
        Runs in a block.
    memory
        Bytes that the sweep may add to those of the process: by default half of the free memory, or three quarters of what
        JAX may take of an accelerator's memory. Blocks and lanes are chosen to stay below this limit; a sweep that cannot is
        refused.

    Examples
    --------
    >>> import memjax as mj
    >>> by_hand = mj.Packing(schedule="streamed", lanes=1, runs=16)
    >>> plan = mj.explain(mj.Experiment(steps=100), over={"seed": range(64)}, packing=by_hand)
    >>> plan.lanes, plan.groups[0].blocks
    (1, 4)
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


def default_lanes() -> int:
    """One lane per core of a CPU that this process may use, else one per device."""
    if jax.default_backend() != "cpu":
        return jax.local_device_count()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(cores, jax.local_device_count())


def schedule_of(packing: Packing) -> Schedule:
    """The schedule that a packing asks for; by default *streamed* on a CPU, else *batched*."""
    return packing.schedule or ("streamed" if jax.default_backend() == "cpu" else "batched")


def partition(
    program: Program, runs: Sequence[Run], packing: Packing, lanes: int, budget: int, cores: int
) -> Iterable[BlockPlan]:
    """Cut runs with the same program and the same pool into blocks of at most ``budget`` bytes, where possible.

    ``cores`` is the number of cores per run.
    """
    schedule = schedule_of(packing)
    group = _Group(program, schedule, work_of(program), runs[0].pool, cores if schedule == "streamed" else 1)
    # A batched block is as large as its largest test split too.
    by = 2 if schedule == "batched" else 1
    ordered = sorted(runs, key=lambda run: run.experiment.sizes()[:by], reverse=True)
    for part, width in group.classes(ordered, packing.width):
        per_block = packing.runs or _block_runs(part, width, group, lanes, budget)
        yield from _cut(part, width, per_block, group)


class _Group(NamedTuple):
    """The properties that all blocks of a group share."""

    program: Program
    schedule: Schedule
    work: Work
    pool: np.ndarray | None
    cores: int

    def classes(self, runs: list[Run], width: int | None) -> list[tuple[list[Run], int]]:
        """Cut runs, largest first, into parts of one tile width each; of batched runs, into parts of similar sizes."""
        sizes = np.array([run.experiment.sizes() for run in runs])
        if self.schedule == "batched":
            found = size_classes(sizes, width or _BATCHED_WIDTH, self.seconds)
        else:
            # A given width keeps all runs in one part.
            found = [(slice(None), width)] if width else width_classes(sizes, self.cores, self.seconds)
        return [(runs[part], tile) for part, tile in found]

    def seconds(self, sizes: np.ndarray, width: int, block: int) -> np.ndarray:
        return run_seconds(sizes, width, block, self.work, self.program, self.cores)

    def block(self, runs: list[Run], shape: Shape, records: int, held: int) -> BlockPlan:
        sizes = np.array([run.experiment.sizes() for run in runs])
        if self.schedule == "batched":
            sizes = np.broadcast_to([width for _, width in split_shapes("batched", shape)[:2]], sizes.shape)
        seconds = float(self.seconds(sizes, shape.width, shape.runs).sum())
        return BlockPlan(self.program, self.schedule, shape, records, tuple(runs), self.pool, seconds, held)

    def shape(self, parts: list[list[Run]], width: int, per_block: int) -> Shape:
        """The smallest packed shape into which each of ``parts`` fits."""
        room = [max(sizes) for sizes in zip(*(self.tiles(part, per_block, width) for part in parts), strict=True)]
        train, test, *more = room if self.schedule == "batched" else map(_round_up, room)
        return Shape(per_block, width, train, test, tuple(more))

    def tiles(self, part: list[Run], per_block: int, width: int) -> list[int]:
        """Number of tiles that each split of a block takes; the last run is repeated in place of missing runs."""
        rooms = np.array([_rooms(run.experiment, self.program) for run in part])
        tiles = -(-rooms // width)
        # A split without examples has a tile of padding.
        if self.schedule == "batched":
            return [max(1, int(most)) * per_block for most in tiles.max(0)]
        return [max(1, int(count)) for count in tiles.sum(0) + tiles[-1] * (per_block - len(part))]

    def bytes(self, shape: Shape) -> int:
        return block_bytes(self.program, self.schedule, shape, self.work, self.pool is not None)


def _rooms(experiment: Experiment, program: Program) -> list[int]:
    """Largest number of examples of each split of a run."""
    return [room_of(experiment, split) for split in ("train", "test", *program.splits)]


def _block_runs(runs: list[Run], width: int, group: _Group, lanes: int, budget: int) -> int:
    """Runs per block. Streamed: few enough to stay in cache and to occupy all lanes. Batched: as many as fit in memory."""
    fair = math.ceil(len(runs) / lanes)
    if group.schedule == "streamed":
        cached = int(_CACHED_BYTES / max(1, group.work.state_bytes + 4 * group.work.parameters))
        most = _MOST_RUNS if group.program.stop_when is None else _MOST_STOPPING
        return max(1, min(most, cached, fair))
    count = fair
    while count > 1 and (needed := group.bytes(group.shape(_parts(runs, count), width, count))) > budget:
        count = max(1, min(count - 1, int(count * budget / needed)))
    return count


def _parts(runs: list[Run], per_block: int) -> list[list[Run]]:
    return [runs[start : start + per_block] for start in range(0, len(runs), per_block)]


def _cut(runs: list[Run], width: int, per_block: int, group: _Group) -> Iterable[BlockPlan]:
    """Cut runs, largest first, into blocks of the same packed shape."""
    parts = _parts(runs, per_block)
    shape = group.shape(parts, width, per_block)
    held = group.bytes(shape)
    for part in parts:
        records = records_of(group.program, shape, part)
        yield group.block(part, shape, records, held)


def records_of(program: Program, shape: Shape, runs: Iterable[Run]) -> int:
    """Most records per segment of a block."""
    return segment_records(program, shape, _snapshots(runs) | set(program.example_steps))


def _snapshots(runs: Iterable[Run]) -> set[int]:
    return {step for run in runs for step in run.experiment.snapshots}


def half_blocks(block: BlockPlan) -> list[BlockPlan]:
    """Divide the runs of a block among blocks with half as many runs each."""
    group = _Group(block.program, block.schedule, work_of(block.program), block.pool, 1)
    parts = _cut(list(block.runs), block.shape.width, math.ceil(block.shape.runs / 2), group)
    return [replace(part, keep_state=block.keep_state) for part in parts]


def block_of(
    program: Program, schedule: Schedule, shape: Shape, records: int, runs: Sequence[Run], name: str = ""
) -> BlockPlan:
    """Rebuild a block from a packed shape that is known already, such as one read from a store.

    Raises
    ------
    InputError
        If the runs do not fit into the shape, or a run has less than ``records`` records.
    """
    group = _Group(program, schedule, work_of(program), runs[0].pool, 1)
    room = group.tiles(list(runs), shape.runs, shape.width)
    given = [shape.train_tiles, shape.test_tiles, *shape.more]
    misfit = not 1 <= records <= program.num_records
    if schedule == "batched":
        misfit = misfit or any(tiles % shape.runs for tiles in given)
    if len(runs) > shape.runs or len(room) != len(given) or any(np.greater(room, given)) or misfit:
        raise InputError(
            f"The runs of block {name} do not fit into its packed shape {tuple(shape)} in segments of {records} records: "
            "the plan was altered, or is not of this experiment."
        )
    return replace(group.block(list(runs), shape, records, group.bytes(shape)), name=name)


def _round_up(tiles: int) -> int:
    """Round up to one of eight sizes per octave, so that sweeps of nearly the same size share a program."""
    grain = max(1, 2 ** (tiles.bit_length() - 4))
    return math.ceil(tiles / grain) * grain
