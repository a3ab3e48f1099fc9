"""The training loop: a loop over records around a loop over steps, as one traced function."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from memjax.engine.program.asked import shown
from memjax.engine.program.evaluated import evaluated
from memjax.engine.program.program import Program
from memjax.engine.program.record import take_record
from memjax.engine.program.step import BlockData, RunState, put_back, step
from memjax.engine.program.tiles import Schedule
from memjax.engine.program.vectors import as_held, as_tree, state_as_held, state_as_tree
from memjax.engine.program.watch import after_record

__all__ = ["Interval", "Length", "segment"]


class Length(NamedTuple):
    """Length of a segment: number of records up to the K of its program, and steps ``int32[K]`` before each. All are data.

    ``recorded`` says whether the last one is a record of the run, and not a stop between two.

    One record after no step is the record of the initial state, so that record needs no program of its own.
    """

    records: Any
    steps: Any
    recorded: Any


class Interval(NamedTuple):
    """The steps since the last record, over which the next one averages: sum ``[R]`` of their losses, and their number.

    There are none at the start of a segment, unless the segment before it ended at a snapshot between two records.
    """

    total: Any
    steps: Any


def segment(
    program: Program,
    schedule: Schedule,
    records: int,
    data: BlockData,
    state: RunState,
    before: Interval,
    rows: Any,
    length: Length,
) -> tuple[RunState, Interval, dict[str, Any]]:
    """Train, and compute a record after every so many steps.

    Parameters
    ----------
    records
        Room for K records.
    before
        The steps since the last record.
    rows
        Minibatches of the steps, or None for full batch.
    length
        Number of records, and of steps before each.

    Returns
    -------
    tuple
        The state after the last step, the interval before it, and the records, ``[K, R, ...]`` each; zeros after the last one.
    """
    held = data._replace(live=None if data.live is None else as_held(program, data.live))
    first = RunState(*state_as_held(program, state[:2]), *state[2:])
    # Jitted, so that their shapes and their place in the loops need one trace.
    stepped = jax.jit(functools.partial(step, program, schedule))
    taken = jax.jit(functools.partial(take_record, program, schedule))
    watched = jax.jit(functools.partial(after_record, program, schedule))

    offset = jnp.cumsum(length.steps, dtype=jnp.int32) - length.steps

    def one_record(k: Any, carry: tuple[RunState, Interval, Any]) -> tuple[RunState, Interval, Any]:
        def one_step(i: Any, carry: tuple[RunState, Any]) -> tuple[RunState, Any]:
            state, loss = stepped(held, carry[0], None if rows is None else rows.at(offset[k] + i))
            return state, carry[1] + loss

        begun = jax.tree.map(lambda leaf: jnp.where(k == 0, leaf, jnp.zeros_like(leaf)), carry[1])
        state, total = jax.lax.fori_loop(0, length.steps[k], one_step, (carry[0], begun.total))
        state, interval = put_back(program, state, carry[0].params), Interval(total, begun.steps + length.steps[k])
        record = taken(data, _for_record(program, state), *interval)
        if state.watch is not None:
            counts = (k < length.records - 1) | length.recorded
            seen = watched(data, _for_record(program, state), record, counts)
            state = state._replace(status=seen.status, watch=seen.watch)
        return state, interval, jax.tree.map(lambda room, value: room.at[k].set(value), carry[2], record)

    losses = jax.eval_shape(stepped, held, first, None if rows is None else rows.at(0))[1]
    one = jax.eval_shape(taken, data, shown(program, state), losses, before.steps)
    room = jax.tree.map(lambda leaf: jnp.zeros((records, *leaf.shape), leaf.dtype), one)
    begun = before._replace(total=before.total.astype(losses.dtype))
    last, interval, found = jax.lax.fori_loop(0, length.records, one_record, (first, begun, room))
    # No loss is wider than the numbers that enter a program, so this cast and the one before change no bit.
    interval = interval._replace(total=interval.total.astype(before.total.dtype))
    return RunState(*state_as_tree(program, last[:2]), *last[2:]), interval, found


def _for_record(program: Program, held: RunState) -> RunState:
    """What a record needs of a state, outside the loop's form: all, but the optimizer's only where a measure asks for it."""
    if program.shows_state:
        held = evaluated(program, held)
        return held._replace(**dict(zip(("params", "opt_state"), state_as_tree(program, held[:2]), strict=True)))
    return held._replace(params=as_tree(program, held.params), opt_state=None)
