"""Partition a group of runs into blocks of one packed shape: tile widths, runs per block, room for tiles."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from memjax.engine.cost import COMPILE_SECONDS, candidate_widths, run_seconds
from memjax.engine.pack import Shape
from memjax.engine.program import Program
from memjax.engine.step import Schedule
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.models.adapt import parameter_count, with_outputs

__all__ = ["BlockPlan", "Packing", "Run", "default_lanes", "partition"]

_MOST_CHOICES = 16


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
    runs
        At most ``shape.runs`` of them; the rest is padding.
    pool
        Inputs that the runs hold indices into, or None.
    seconds
        Rough cost on one lane, to deal by.
    """

    program: Program
    schedule: Schedule
    shape: Shape
    runs: tuple[Run, ...]
    pool: np.ndarray | None
    seconds: float

    @property
    def key(self) -> Any:
        """What decides which programs are compiled: blocks of one key share them."""
        snapshots = {step for run in self.runs for step in run.experiment.snapshots}
        return self.program, self.schedule, self.shape, tuple(sorted(snapshots))

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


def partition(program: Program, runs: Sequence[Run], packing: Packing, lanes: int) -> Iterable[BlockPlan]:
    """Cut runs that share a program, and a pool if they have one, into blocks."""
    schedule: Schedule = packing.schedule or ("streamed" if jax.default_backend() == "cpu" else "batched")
    model = with_outputs(runs[0].experiment.model, runs[0].experiment.task.num_outputs)
    parameters = parameter_count(model, program.x.struct(1))
    ordered = sorted(runs, key=lambda run: -run.experiment.sizes()[0])
    for part, width in _tile_classes(ordered, parameters, program, packing):
        per_block = packing.runs or _block_runs(part, width, parameters, schedule, lanes)
        yield from _cut(program, runs[0].pool, schedule, part, width, per_block, parameters)


def _tile_classes(runs: list[Run], parameters: int, program: Program, packing: Packing) -> list[tuple[list[Run], int]]:
    """Split runs, largest first, into at most two classes of one tile width each: two where that saves its compile."""
    if packing.width:
        return [(runs, packing.width)]
    # With minibatches only records go through tiles, and those take the whole split.
    sizes = np.array([run.experiment.sizes()[0] for run in runs])
    choices = []
    for cut in [0, *_spread(1 + np.flatnonzero(np.diff(sizes)))]:
        parts = [part for part in (slice(0, cut), slice(cut, None)) if len(sizes[part])]
        widths = [_best_width(sizes[part], parameters, program.steps) for part in parts]
        seconds = sum(cost for cost, _ in widths) + COMPILE_SECONDS * len(parts)
        choices.append((seconds, cut, [(runs[part], width) for part, (_, width) in zip(parts, widths, strict=True)]))
    return min(choices, key=lambda choice: choice[:2])[2]


def _best_width(sizes: np.ndarray, parameters: int, steps: int) -> tuple[float, int]:
    """Seconds on one lane with the best tile width for runs of some sizes, and that width."""
    unique, times = np.unique(sizes, return_counts=True)
    widths = candidate_widths(_spread(unique))
    return min((float(times @ run_seconds(unique, width, 1, parameters, steps)), width) for width in widths)


def _spread(values: np.ndarray) -> list[int]:
    """At most a few of the values, evenly over them: a sweep over a thousand sizes needs no thousand widths tried."""
    places = np.linspace(0, len(values) - 1, min(len(values), _MOST_CHOICES))
    return [int(values[round(place)]) for place in places]


def _block_runs(runs: list[Run], width: int, parameters: int, schedule: Schedule, lanes: int) -> int:
    """Runs per block: streamed, few enough to stay in cache and to feed all lanes; batched, as many as fit in memory."""
    if schedule == "batched":
        # A record goes through both splits at once, whatever the size of a minibatch.
        tiles = [max(math.ceil(size / width) for size in run.experiment.sizes()) for run in runs]
        room = _memory_budget() // (4 * 6 * parameters)
        return max(1, int(len(runs) * min(1.0, room / sum(tiles))))
    wanted = 1.6e7 / (max(run.step_examples for run in runs) * 6 * parameters)
    return max(1, min(8, int(wanted), math.ceil(len(runs) / lanes)))


def _memory_budget() -> int:
    """Bytes that a block may take: half of what the device reports, or 2 GiB where it does not say."""
    stats = jax.local_devices()[0].memory_stats() or {}
    return int(stats.get("bytes_limit", 4 * 2**30)) // 2


def _cut(
    program: Program,
    pool: np.ndarray | None,
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
        sizes = np.array([run.step_examples for run in part])
        seconds = float(run_seconds(sizes, width, per_block, parameters, program.steps).sum())
        yield BlockPlan(program, schedule, shape, tuple(part), pool, seconds)


def _room(part: list[Run], per_block: int, split: int, width: int) -> int:
    tiles = [math.ceil(run.experiment.sizes()[split] / width) for run in part]
    return sum(tiles) + tiles[-1] * (per_block - len(part))


def _round_up(tiles: int) -> int:
    """Next of eight sizes per octave, so that sweeps of nearly the same size share a program."""
    grain = max(1, 2 ** (tiles.bit_length() - 4))
    return math.ceil(tiles / grain) * grain
