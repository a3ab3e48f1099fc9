"""`memjax.explain`: the plan of a sweep before it runs: groups, blocks, tiles, padding, operations, memory and time."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

import jax

from memjax.engine.plan.blocks import BlockPlan, Run
from memjax.engine.plan.cost import compile_seconds, work_of
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import Plan, make_plan
from memjax.engine.plan.speed import relative_speed
from memjax.engine.program.program import Program, num_parameters
from memjax.engine.training.progress import PlanningProgress
from memjax.experiment import Experiment
from memjax.experiment.rules import check_experiment
from memjax.explanation import BlockSummary, Explanation
from memjax.jax_settings import product_precision

__all__ = ["explain"]


def explain(
    experiment: Experiment,
    over: Mapping[str | tuple[str, ...], Iterable[Any]] | None = None,
    *,
    packing: Packing | None = None,
    progress: bool | None = None,
) -> Explanation:
    """Say what `memjax.sweep` would do with the same arguments and what it would cost, without training or compiling.

    Parameters
    ----------
    experiment, over, packing
        As for `memjax.sweep`.
    progress
        Whether to show how far planning is when it takes more than three seconds, as in `memjax.sweep`.

    Returns
    -------
    Explanation
        Prints as a page. Its seconds are estimates from the plan's cost model, scaled by a matrix product measured now.

    Raises
    ------
    InputError
        For anything that `memjax.sweep` would refuse.

    Examples
    --------
    >>> import memjax as mj
    >>> plan = mj.explain(mj.Experiment(steps=100), over={"train_size": [50, 1000], "seed": range(4)})
    >>> plan.runs, sum(group.examples for group in plan.groups)
    (8, 4200)
    """
    check_experiment("explain", experiment)
    with PlanningProgress(progress) as planning:
        plan = make_plan(experiment, over or {}, packing or Packing(), planning)
    by_key: dict[Any, list[BlockPlan]] = {}
    for block in plan.blocks:
        by_key.setdefault(block.key, []).append(block)
    speed = relative_speed()
    return Explanation(
        groups=tuple(_summary(blocks) for blocks in by_key.values()),
        runs=len(plan.runs),
        lanes=plan.lanes,
        programs=len(by_key),
        backend=jax.default_backend(),
        precision=product_precision() or "highest",
        memory=plan.memory,
        budget=plan.budget,
        compile_seconds=sum(compile_seconds(blocks[0].program) for blocks in by_key.values()) / plan.lanes / speed,
        seconds=_busy_seconds(plan) / speed,
    )


def _busy_seconds(plan: Plan) -> float:
    """Time until the last lane is done, if each lane takes the next block when it is free."""
    free = [0.0] * plan.lanes
    for block in plan.blocks:
        soonest = free.index(min(free))
        free[soonest] += block.seconds
    return max(free)


def _batches(program: Program) -> str:
    """Words for what a step trains on."""
    if program.batch_size is None:
        return "full batch"
    if program.expected is not None:
        return f"Poisson batches of {program.expected} in the mean, with room for {program.batch_size}"
    return f"{'fresh batches' if program.draws_fresh else 'batches'} of {program.batch_size}"


def _summary(blocks: list[BlockPlan]) -> BlockSummary:
    program, shape = blocks[0].program, blocks[0].shape
    batch, sizes = program.batch_size, [size for block in blocks for size in block.sizes]
    tiles = sum(shape.width * block.step_tiles for block in blocks)
    return BlockSummary(
        structure=f"{_named(program.model)}, {program.optimizer.name}, {_batches(program)}",
        parameters=(min(sizes), max(sizes)),
        widths=program.widths,
        schedule=blocks[0].schedule,
        shape=shape,
        blocks=len(blocks),
        runs=sum(len(block.runs) for block in blocks),
        examples=sum(block.examples for block in blocks),
        padded=tiles if batch is None else shape.runs * batch * len(blocks),
        filled=_filled(blocks),
        flops=sum(_flops(block) for block in blocks),
        bytes=blocks[0].bytes,
    )


def _flops(block: BlockPlan) -> float:
    """Operations of steps and records; a record is a forward pass, which costs a third of a gradient."""
    program = block.program
    examples = (program.steps * run.step_examples + _recorded(program, run) / 3 for run in block.runs)
    return work_of(program).flops * sum(map(operator.mul, examples, _shares(block)))


def _recorded(program: Program, run: Run) -> int:
    """Examples in the records of a run."""
    return sum(run.experiment.sizes()) * (program.num_records + 1)


def _shares(block: BlockPlan) -> list[float]:
    """Fraction of the parameters in the program that are a run's own, for each run. Work is about as many times smaller."""
    every = num_parameters(block.program)
    return [size / every if every else 1.0 for size in block.sizes]


def _filled(blocks: list[BlockPlan]) -> float:
    """The same for an example of these blocks."""
    own = sum(
        run.step_examples * share for block in blocks for run, share in zip(block.runs, _shares(block), strict=True)
    )
    return own / sum(block.examples for block in blocks)


def _named(model: Any) -> str:
    return getattr(model, "name", None) or getattr(model, "__name__", None) or type(model).__name__
