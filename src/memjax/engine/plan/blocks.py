"""What a run and a block are to the plan: their program, packed shape, cost and memory."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from memjax.engine.program.initial import own_size
from memjax.engine.program.program import Program, num_parameters
from memjax.engine.program.tiles import Schedule, Shape
from memjax.experiment import Experiment
from memjax.random.minibatches import orders

__all__ = ["BlockPlan", "Run"]


@dataclass(frozen=True)
class Run:
    """One cell of the sweep: its index along the axes, its experiment, and its task's pool of inputs (None without one)."""

    index: tuple[int, ...]
    experiment: Experiment
    pool: np.ndarray | None

    @property
    def step_examples(self) -> int:
        """Examples per step."""
        return self.experiment.batch_size or self.experiment.sizes()[0]


@dataclass(frozen=True)
class BlockPlan:
    """Runs that one compiled program trains together.

    Attributes
    ----------
    program, schedule, shape
        These three decide what is compiled.
    records
        Records per segment.
    runs
        At most ``shape.runs`` runs; the block is padded to that number.
    pool
        Inputs of the task's pool, which the runs' data index; None without a pool.
    seconds, bytes
        Estimated seconds on one lane, and bytes of memory during training.
    name
        The block's name in a store.
    keep_state
        Whether the finished result has the training state, from which a longer run can go on.
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
    keep_state: bool = False

    @property
    def experiments(self) -> list[Experiment]:
        """Experiments of the runs; the last one is repeated in place of missing runs."""
        own = [run.experiment for run in self.runs]
        return own + own[-1:] * (self.shape.runs - len(own))

    @property
    def kept(self) -> list[int]:
        """Steps at which a run of the block keeps its parameters, or examples are measured, in order."""
        return sorted({step for run in self.runs for step in run.experiment.snapshots} | {*self.program.example_steps})

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of parameters of each run, without padding."""
        if self.program.widths is None:
            return (num_parameters(self.program),) * len(self.runs)
        return tuple(own_size(self.program, run.experiment) for run in self.runs)

    @property
    def key(self) -> Any:
        """Everything that decides what is compiled: blocks with the same key share their programs."""
        rows = None if self.pool is None else len(self.pool)
        return self.program, self.schedule, self.shape, self.records, rows, self.orders

    @functools.cached_property
    def order_of_runs(self) -> tuple[list[int], np.ndarray]:
        """Places of the runs with distinct orders of minibatches, and the order of every run among those."""
        return orders(self.experiments)

    @functools.cached_property
    def orders(self) -> int:
        """Orders of minibatches on the device: the number of runs, or a power of two where many runs share few orders.

        Streamed blocks have few runs, and often different numbers of orders; a program for each would take longer to compile.
        """
        if not self.program.has_order or self.schedule == "streamed":
            return self.shape.runs
        shared = 1 << (len(self.order_of_runs[0]) - 1).bit_length()
        return shared if 2 * shared <= self.shape.runs else self.shape.runs

    @property
    def examples(self) -> int:
        """Examples per step of the whole block, without padding."""
        return sum(run.step_examples for run in self.runs)

    @property
    def step_tiles(self) -> int:
        """Tiles that a full-batch step of this block goes through: streamed, as many for every run as the largest has."""
        most = max(-(-run.experiment.sizes()[0] // self.shape.width) for run in self.runs)
        return self.shape.runs * most if self.schedule == "streamed" else self.shape.train_tiles
