"""The plan of a sweep: blocks of runs, the lanes that train the blocks, and the memory that training needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memjax.engine.plan.blocks import BlockPlan, Run
from memjax.engine.plan.budget import Memory, block_budget, default_budget, fit_lanes
from memjax.engine.plan.families import merged
from memjax.engine.plan.groups import Groups, PlanningCallback, read_groups
from memjax.engine.plan.packing import Packing, default_lanes, partition, schedule_of
from memjax.experiment.axes import Axis, SweptValues, read_axes
from memjax.experiment.experiment import Experiment

__all__ = ["Plan", "budget_of", "make_plan", "pack", "plan_of"]


@dataclass(frozen=True)
class Plan:
    """All blocks of a sweep, the most expensive first.

    Attributes
    ----------
    experiment, axes
        The base experiment and the axes. Together with a run's index they give the run's experiment.
    blocks
        The runs, packed.
    lanes
        Number of blocks that train at the same time.
    memory, budget
        Bytes that the sweep will take, by part, and bytes that it may take.
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


def make_plan(
    experiment: Experiment, over: SweptValues, packing: Packing, watch: PlanningCallback | None = None
) -> Plan:
    """Check every run of a sweep and decide how the runs are packed; ``watch`` is called with the progress.

    Raises
    ------
    InputError
        If any run is invalid; nothing has been traced for training by then.
    """
    axes = read_axes(over)
    groups = read_groups(experiment, axes, watch=watch)
    return plan_of(experiment, axes, pack(groups, packing), packing)


def pack(groups: Groups, packing: Packing, shards: int = 1) -> list[BlockPlan]:
    """Merge groups into classes of widths, and partition every class into enough blocks to keep all shards' lanes busy."""
    wanted = packing.lanes or default_lanes()
    classes = merged(groups, wanted * shards, streamed=schedule_of(packing) == "streamed")
    share = block_budget(budget_of(packing), classes, wanted)
    cores = max(1, default_lanes() // max(1, sum(len(runs) for runs in groups.values())))
    parts = [partition(program, runs, packing, wanted * shards, share, cores) for program, runs in classes]
    return [block for part in parts for block in part]


def plan_of(experiment: Experiment, axes: tuple[Axis, ...], blocks: Iterable[BlockPlan], packing: Packing) -> Plan:
    """The plan of given blocks on the lanes of this machine; raises `InputError` if the blocks do not fit into memory."""
    ordered = sorted(blocks, key=lambda block: -block.seconds)
    budget = budget_of(packing)
    lanes, memory = fit_lanes(ordered, packing.lanes or default_lanes(), budget)
    return Plan(experiment, axes, tuple(ordered), lanes, memory, budget)


def budget_of(packing: Packing) -> int:
    """Bytes that a sweep may take."""
    return packing.memory or default_budget()
