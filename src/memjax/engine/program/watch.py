"""What is watched at the records of a block: conditions that stop runs, the best networks, and folds of single examples."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from memjax.engine.program.best import BestSoFar, better_networks, no_networks
from memjax.engine.program.by_example import measured
from memjax.engine.program.outcome import Status
from memjax.engine.program.program import Program
from memjax.engine.program.step import BlockData, RunState, by_run_of
from memjax.engine.program.tile_owners import of_tiles
from memjax.engine.program.tiles import Schedule, Shape, rooms_of
from memjax.measures.folds import FOLDS
from memjax.types import Array

__all__ = ["Watch", "after_record", "first_watch"]


class Watch(NamedTuple):
    """What later records need of earlier ones.

    Attributes
    ----------
    memory
        Memory ``[R, ...]`` of the condition of every run.
    folds
        Memory ``[T, B]`` of every fold, by variable.
    best
        The best network of every run; None where none is kept.
    """

    memory: Any
    folds: dict[str, tuple[Any, ...]]
    best: BestSoFar | None = None


def first_watch(program: Program, schedule: Schedule, shape: Shape) -> Watch | None:
    """Memory before the first record, on the host; None where nothing is watched."""
    if not program.watches:
        return None
    begun = () if program.stop_when is None else program.stop_when.begin()
    memory = jax.tree.map(lambda leaf: np.broadcast_to(np.asarray(leaf), (shape.runs, *np.shape(leaf))).copy(), begun)
    rooms = rooms_of(program, schedule, shape)
    folds = {
        name: tuple(np.zeros(rooms[part.measured_on(split)], np.float32) for _ in range(FOLDS[part.over].arrays))
        for name, (part, split) in program.example_variables.items()
        if part.over is not None
    }
    return Watch(memory, folds, no_networks(program, shape.runs))


def after_record(
    program: Program, schedule: Schedule, data: BlockData, state: RunState, record: dict[str, Any], counts: Array
) -> RunState:
    """The state after a record: folds and best networks are updated, and runs whose condition is met are stopped.

    Parameters
    ----------
    state
        The state as a record sees it.
    record
        Values of the record, by variable.
    counts
        Whether this is a record of the run, and not a stop between two of them.
    """
    running = (state.status == Status.RUNNING) & counts
    folds = _folded(program, schedule, data, state, running)
    memory, status = state.watch.memory, state.status
    if program.stop_when is not None:
        met, following = jax.vmap(lambda hyper, value, memory: program.condition_with(hyper).met(value, memory))(
            data.hyper, record[program.stop_when.variable], memory
        )
        keep = lambda new, old: jnp.where(by_run_of(running, old), new, old).astype(old.dtype)  # noqa: E731
        memory = jax.tree.map(keep, following, memory)
        status = jnp.where(running & met, jnp.int32(Status.STOPPED), status)
    best = better_networks(program, data, state, record, running)
    return state._replace(status=status, watch=Watch(memory, folds, best))


def _folded(
    program: Program, schedule: Schedule, data: BlockData, state: RunState, running: Array
) -> dict[str, tuple[Any, ...]]:
    """Memory of all folds after a record; that of runs that do not go on stays, and that of presentations too."""
    found = dict(state.watch.folds)
    for split in dict.fromkeys(split for part in program.by_example for split in part.splits):
        folded = [part for part in program.by_example if part.over is not None and not part.presented]
        parts = [part for part in folded if split in part.splits]
        if not parts:
            continue
        values = measured(program, schedule, parts, data, state, split)
        alive, step = of_tiles(schedule, data.splits[split], (running, state.stop_step))
        for part in parts:
            name, own = part.variable(split), FOLDS[str(part.over)]
            following = own.update(found[name], values[part.name].astype(jnp.float32), step)
            found[name] = tuple(jnp.where(alive, new, old) for new, old in zip(following, found[name], strict=True))
    return found
