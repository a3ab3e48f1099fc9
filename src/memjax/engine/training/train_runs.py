"""Train runs: a plan with a progress bar, a plan whose results stay in memory, or any list of experiments."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.plan.groups import gather
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import Plan, pack, plan_of
from memjax.engine.program.outcome import BlockResult, Status
from memjax.engine.training.execute import execute
from memjax.engine.training.executor import Executor, execute_on
from memjax.engine.training.keep import InMemory, Keeper
from memjax.engine.training.progress import Progress
from memjax.experiment.experiment import Experiment
from memjax.types import Trained

__all__ = ["train_in_memory", "train_plan", "train_runs"]


def train_plan(
    plan: Plan, keeper: Keeper, progress: bool | None, executor: Executor | None = None, done: int = 0
) -> None:
    """Train every block of a plan, on the lanes of this machine or by an executor.

    Parameters
    ----------
    plan, keeper
        The blocks to train, and the keeper of their results.
    progress
        As in `memjax.sweep`.
    executor
        Trains the blocks; None trains them on this machine.
    done
        Number of runs that were finished before.
    """
    with Progress(plan, progress, done, elsewhere=executor is not None) as bar:
        execute(plan, keeper, bar) if executor is None else execute_on(executor, plan, keeper, bar)


def train_in_memory(
    plan: Plan, progress: bool | None, executor: Executor | None = None
) -> list[tuple[BlockPlan, BlockResult]]:
    """Train every block of a plan; returns the blocks with their results.

    Raises
    ------
    KeyboardInterrupt
        After an interrupt; the results are lost.
    """
    keeper = InMemory()
    train_plan(plan, keeper, progress, executor)
    return keeper.finished


def train_runs(
    runs: Sequence[Experiment], packing: Packing | None = None, progress: bool | None = False
) -> list[Trained]:
    """Train runs in as few packed blocks as they fit in.

    Parameters
    ----------
    runs
        Experiments, in any order; experiments with the same program share blocks.
    packing, progress
        As in `memjax.sweep`.

    Returns
    -------
    list
        The result of each run, in the order of ``runs``.

    Raises
    ------
    InputError
        If a run is invalid.

    Examples
    --------
    >>> runs = [Experiment(steps=20, train_size=n) for n in (30, 10)]
    >>> [len(trained.records["train_loss"]) for trained in train_runs(runs)]
    [3, 3]
    """
    if not runs:
        return []
    packing = packing or Packing()
    groups = gather(((place,), run) for place, run in enumerate(runs))
    plan = plan_of(runs[0], (), pack(groups, packing), packing)
    found: dict[int, Trained] = {}
    for block, result in train_in_memory(plan, progress):
        for row, run in enumerate(block.runs):
            records = jax.tree.map(lambda leaf: np.asarray(leaf)[row], result.records)  # noqa: B023 - called at once
            found[run.index[0]] = Trained(records, bool(result.status[row] == Status.FINISHED))
    return [found[place] for place in range(len(runs))]
