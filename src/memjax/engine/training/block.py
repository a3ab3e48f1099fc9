"""Train one block, segment after segment, from its initial state or from a saved one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.program.batches import Batches
from memjax.engine.program.compiled import Compiled, compile_block
from memjax.engine.program.loop import Interval, Length
from memjax.engine.program.outcome import BlockResult, Status
from memjax.engine.program.segments import Segment, longest, segments
from memjax.engine.program.shapes import state_shapes
from memjax.engine.program.step import BlockData, RunState
from memjax.engine.program.tiles import Block
from memjax.engine.program.watch import first_watch
from memjax.engine.training.examples import ExampleHistory
from memjax.engine.training.lanes import pool_turn
from memjax.engine.training.own_parameters import best_networks, layouts_of, snapshot_of, with_first_best
from memjax.engine.training.prepare import Prepared
from memjax.errors import InputError
from memjax.jax_settings import compile_settings, float_dtype
from memjax.measures.recorded.loss import step_loss
from memjax.random.minibatches import batch_order
from memjax.random.poisson import poisson_batches

__all__ = ["OnSegment", "compile_for", "on_device", "train_block"]

OnSegment = Callable[[int, Callable[[], BlockResult]], None]


def compile_for(block: BlockPlan, device: Any) -> Compiled:
    """Compiled programs of a block; blocks with the same key share them."""
    return compile_block(*block.key, device, compile_settings())


def train_block(
    block: BlockPlan,
    compiled: Compiled,
    device: Any,
    pool: Any,
    start: BlockResult | None,
    prepared: Callable[[], Prepared],
    on_segment: OnSegment,
    stop: threading.Event,
) -> BlockResult:
    """Train one block to its end, or to the first record that ends a segment after ``stop`` is set.

    Parameters
    ----------
    compiled, device, pool
        Compiled programs, the device on which they run, and the task's pool on that device.
    start
        The result from which training resumes; None starts at step 0.
    prepared
        Waits for the host's work on the block, and gives it. Called once, so that its arrays do not outlive their transfer.
    on_segment
        Called at each record that ends a segment, but the last, with the number of steps since the last call and a function
        that gives the result so far.
    stop
        Event that ends training early.

    Returns
    -------
    BlockResult
        A finished result, or one with the state from which training resumes.
    """
    program = block.program
    ready = prepared()
    chosen = ready.packed.chosen
    live, data, state = _begun(block, compiled, device, pool, start, ready)
    examples = ExampleHistory(block, ready.packed, compiled, start)
    # The arrays on the host do not outlive their transfer.
    del ready
    history = _BlockHistory(block, live, start, examples, compiled.evaluated)
    ahead = list(segments(program.record_at, block.kept, block.records, history.step))
    rows, fresh, seen = _rows(block, chosen, ahead[:1], device), _no_steps(block, device), history.step
    before = fresh
    for place, segment in enumerate(ahead):
        if start is None and place == 0:
            with pool_turn(compiled.blocks_pool):
                recorded, _, records = compiled.segment(data, state, fresh, rows, _length(block, [0]))
                history.add(records, 1)
            state = with_first_best(state, recorded)
            history.add_snapshot(0, state)
            examples.add(0, data, state)
        # The losses since the last record are no part of what is saved, so nothing is saved between two records.
        if stop.is_set() and not segment.continues:
            return history.result(state)
        with pool_turn(compiled.blocks_pool):
            length = _length(block, segment.lengths, segment.recorded)
            state, interval, records = compiled.segment(data, state, before, rows, length)
            # While the device trains.
            rows = _rows(block, chosen, ahead[place + 1 : place + 2], device)
            history.add(records, segment.records)
        before = fresh if segment.recorded else interval
        history.step = segment.end
        history.add_snapshot(history.step, state)
        examples.add(history.step, data, state)
        if segment.recorded and history.step < program.steps:
            on_segment(history.step - seen, lambda: history.result(state))  # noqa: B023 - called at once
            seen = history.step
        if segment.recorded and _all_stopped(block, state):
            history.stand_still(ahead[place + 1 :], data, state)
            break
    return history.result(state)


def _all_stopped(block: BlockPlan, state: RunState) -> bool:
    """Whether no run of a block goes on, so that its further records are known."""
    return block.program.stop_when is not None and not (np.asarray(state.status) == Status.RUNNING).any()


def _length(block: BlockPlan, steps: Any, recorded: bool = True) -> Length:
    """Length of a segment with so many steps before each of its records."""
    room = np.zeros(block.records, np.int32)
    room[: len(steps)] = steps
    return Length(np.int32(len(steps)), room, np.bool_(recorded))


def _no_steps(block: BlockPlan, device: Any) -> Interval:
    """The interval right after a record."""
    return jax.device_put(Interval(np.zeros(block.shape.runs, float_dtype()), np.int32(0)), device)


class _BlockHistory:
    """Records and snapshots of a block so far."""

    def __init__(
        self, block: BlockPlan, live: Any, start: BlockResult | None, examples: ExampleHistory, evaluated: Any
    ) -> None:
        self.step = start.step if start else 0
        self._block, self._live, self._examples, self._evaluated = block, live, examples, evaluated
        self._parts = [jax.tree.map(self._loop_layout, start.records)] if start else []
        self._snapshots = dict(start.snapshots) if start else {}
        self._layouts = start.layouts if start else ()

    def _loop_layout(self, leaf: np.ndarray) -> np.ndarray:
        """Saved records ``[R, K, ...]`` in the layout of the loop: ``[K, R', ...]``, padding included."""
        room = np.zeros((self._block.shape.runs - leaf.shape[0], *leaf.shape[1:]), leaf.dtype)
        return np.moveaxis(np.concatenate([leaf, room]), 0, 1)

    def add(self, room: dict[str, Any], count: int) -> None:
        """Add the first ``count`` records of those that a segment has room for."""
        records = jax.tree.map(lambda leaf: np.asarray(leaf)[:count], room)
        if self._parts and _structure(records) != _structure(self._parts[0]):
            raise _misfit_error(self._block, self.step)
        self._parts.append(records)

    def add_snapshot(self, step: int, state: RunState) -> None:
        asked = np.array([step in run.experiment.snapshots for run in self._block.runs])
        if asked.any():
            kept = state if self._evaluated is None else self._evaluated(state)
            flat = snapshot_of(self._block, kept, self._live)
            self._snapshots[step] = np.where(asked[:, None], flat, np.nan).astype(flat.dtype)
            self._layouts = layouts_of(self._block, state)

    def stand_still(self, segments: list[Segment], data: BlockData, state: RunState) -> None:
        """Records, snapshots and examples of segments during which no run changes."""
        last = jax.tree.map(lambda leaf: leaf[-1:], self._parts[-1])
        if step_loss.name in last and self._block.program.averages_steps:
            last |= {step_loss.name: np.full_like(last[step_loss.name], np.nan)}
        for segment in segments:
            self.step = segment.end
            self._parts += [last] * segment.records
            self.add_snapshot(segment.end, state)
            self._examples.add(segment.end, data, state)

    def result(self, state: RunState) -> BlockResult:
        real = slice(0, len(self._block.runs))
        records = jax.tree.map(lambda *parts: np.moveaxis(np.concatenate(parts), 0, 1)[real], *self._parts)
        status, stop_step = np.array(state.status)[real], np.array(state.stop_step)[real]
        finished = self.step == self._block.program.steps
        if finished:
            status = _final_status(status, {} if self._block.program.draws_fresh else records)
        wanted = self._block.keep_state or not finished
        leaves = tuple(np.asarray(leaf) for leaf in jax.tree.leaves(state)) if wanted else None
        snapshots, (current, final) = dict(self._snapshots), (None, leaves) if finished else (leaves, None)
        of_examples, best = (
            (self._examples.values(), self._examples.rows),
            best_networks(self._block, state, self._live),
        )
        layouts = self._layouts if best is None else layouts_of(self._block, state)
        return BlockResult(
            self.step, records, status, stop_step, snapshots, layouts, current, *of_examples, final, best
        )


def _final_status(status: np.ndarray, records: dict[str, Any]) -> np.ndarray:
    """Final status. No step checks the loss of the final state, so the status follows from its record.

    A run with fresh examples has no train set, on which that loss would be NaN: its status is that of its last step, whose loss
    and parameters were finite.
    """
    final = records.get("train_loss", np.zeros((len(status), 1)))[:, -1]
    found = np.where(np.isnan(final), Status.LOSS_NAN, Status.LOSS_INFINITE)
    found = np.where(np.isfinite(final), Status.FINISHED, found)
    return np.where(status == Status.RUNNING, found, status).astype(np.int32)


def on_device(packed: Block, live: Any, pool: Any, device: Any, initial: Any = None) -> BlockData:
    """Data of a block on a device, beside the pool that is there; ``initial`` where something asks for it."""
    more = packed.more or None
    parts = (
        packed.hyper,
        packed.train,
        packed.test,
        None,
        live,
        more,
        packed.forward,
        initial,
        packed.fresh,
        packed.copies,
    )
    return jax.device_put(BlockData(*parts), device)._replace(pool=pool)


def _begun(
    block: BlockPlan, compiled: Compiled, device: Any, pool: Any, start: BlockResult | None, prepared: Prepared
) -> tuple[Any, BlockData, RunState]:
    """Places of the parameters among padding, on the host, and the data and the first state of a block on its device."""
    initial = prepared.params if "initial" in block.program.asks else None
    data = on_device(prepared.packed, prepared.live, pool, device, initial)
    with pool_turn(compiled.blocks_pool):
        state = _restored_state(block, start, device) if start else _initial_state(block, compiled, prepared, device)
    return prepared.live, data, state


def _initial_state(block: BlockPlan, compiled: Compiled, prepared: Prepared, device: Any) -> RunState:
    """Initial state of the block, made on the host."""
    params, packed = prepared.params, prepared.packed
    first = compiled.first(params, packed.noise, packed.hyper)
    zeros: Any = np.zeros(len(packed.noise), np.int32)
    watch = first_watch(block.program, block.schedule, block.shape)
    return jax.device_put(RunState(params, jax.tree.map(np.asarray, first), zeros, zeros, watch), device)


def _restored_state(block: BlockPlan, start: BlockResult, device: Any) -> RunState:
    """State of a saved result, checked against the shapes of the program."""
    wanted, tree = jax.tree.flatten(state_shapes(block.program, block.schedule, block.shape))
    kept = start.state or ()
    if [(leaf.shape, leaf.dtype) for leaf in kept] != [(leaf.shape, leaf.dtype) for leaf in wanted]:
        raise _misfit_error(block, start.step)
    return jax.device_put(jax.tree.unflatten(tree, kept), device)


def _structure(records: dict[str, Any]) -> Any:
    """Structure of records, without their number."""
    return jax.tree.structure(records), [(leaf.shape[1:], leaf.dtype) for leaf in jax.tree.leaves(records)]


def _misfit_error(block: BlockPlan, step: int) -> InputError:
    return InputError(
        f"What the store keeps of block {block.name} after step {step} does not fit the model, the optimizer or the measures: "
        "they were changed since, or the store is not of this experiment. Use another store."
    )


def _rows(block: BlockPlan, chosen: list[np.ndarray | None], following: list[Segment], device: Any) -> Batches | None:
    """Minibatches of the following segment, in the room of the longest.

    None for full batch, for fresh examples, and after the last segment.
    """
    size = block.program.batch_size
    if size is None or not block.program.has_order or not following:
        return None
    runs = block.experiments
    first, of_run = block.order_of_runs
    places = [chosen[place] for place in first]
    draw = batch_order if block.program.expected is None else poisson_batches
    rows = draw([runs[place] for place in first], size, following[0].start, following[0].end, places)
    # On the device, each run has an order of its own, or orders that no run has fill the places left.
    own = block.orders == block.shape.runs
    rows = rows[:, of_run if own else np.minimum(np.arange(block.orders), len(first) - 1)]
    left = longest(block.program.record_at, block.records) - len(rows)
    rows = np.concatenate([rows, np.zeros((left, *rows.shape[1:]), rows.dtype)]) if left else rows
    return jax.device_put(Batches(rows, None if own else of_run), device)
