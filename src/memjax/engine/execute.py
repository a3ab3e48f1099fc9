"""Execute a plan: compile, deal blocks to lanes, and hand every finished block to the caller."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.engine.cost import run_seconds, work_of
from memjax.engine.lanes import deal
from memjax.engine.loop import Compiled, compile_block
from memjax.engine.pack import Block, batch_order, draw_block
from memjax.engine.partition import BlockPlan
from memjax.engine.plan import Plan
from memjax.engine.status import Status
from memjax.engine.step import BlockData, RunState
from memjax.precision import compile_settings, host_dtype

__all__ = ["BlockResult", "execute"]

_SEGMENTS = 10
_SEGMENT_SECONDS = 0.2


class BlockResult(NamedTuple):
    """What a block leaves, on the host; R counts its real runs.

    Attributes
    ----------
    records
        ``[R, K, ...]`` by variable, each a dict by label for measures that give one.
    status, stop_step
        ``int[R]``.
    snapshots
        Parameters ``[R, ...]`` by step.
    """

    records: dict[str, Any]
    status: np.ndarray
    stop_step: np.ndarray
    snapshots: dict[int, Any]


def execute(
    plan: Plan,
    on_block: Callable[[BlockPlan, BlockResult], None],
    on_steps: Callable[[BlockPlan, int], None],
    on_compiled: Callable[[], None] = lambda: None,
) -> None:
    """Train every block of a plan.

    Parameters
    ----------
    plan
        What to do.
    on_block
        Called with each finished block, from the lane that trained it, one at a time.
    on_steps
        Called after each segment with the block and the number of steps done, one at a time.
    on_compiled
        Called when the programs of the first block are ready and training starts.
    """
    lock = threading.Lock()
    pools, programs = _Pools(), _Programs(on_compiled)

    def work(block: BlockPlan, device: Any, stop: threading.Event) -> None:
        def steps_done(steps: int) -> None:
            with lock:
                on_steps(block, steps)

        result = _train(block, programs.get(block, device), device, pools, steps_done, stop)
        if result is not None:
            with lock:
                on_block(block, result)

    deal(plan.blocks, work, plan.lanes)


class _Programs:
    """Compiled programs of a sweep: each is compiled when a lane first needs it, while other lanes train."""

    def __init__(self, on_first: Callable[[], None]) -> None:
        self._held: dict[Any, tuple[threading.Lock, list[Compiled]]] = {}
        self._lock = threading.Lock()
        self._on_first = on_first

    def get(self, block: BlockPlan, device: Any) -> Compiled:
        with self._lock:
            own, held = self._held.setdefault((block.key, device), (threading.Lock(), []))
        with own:
            if not held:
                held.append(_compile(block, device))
                with self._lock:
                    self._on_first()
                    self._on_first = lambda: None
            return held[0]


class _Pools:
    """Pools of tasks on devices: one copy per device, however many runs point into it."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, Any], tuple[Any, Any]] = {}
        self._lock = threading.Lock()

    def get(self, block: BlockPlan, device: Any) -> Any:
        if block.pool is None:
            return None
        with self._lock:
            key = id(block.pool), device
            if key not in self._held:
                packed = np.asarray(block.pool, host_dtype(block.pool.dtype))
                self._held[key] = jax.device_put(packed, device), block.pool
            return self._held[key][0]


def _records_per_segment(block: BlockPlan) -> int:
    """Records per segment: about a tenth of all, equal segments, with every snapshot at the end of one.

    A short run has fewer segments, for each costs the host about a millisecond. Only the packed shape may decide how many:
    blocks of one shape share their programs.
    """
    program = block.program
    marks = {s // program.record_every for run in block.runs for s in run.experiment.snapshots}
    grain = math.gcd(program.num_records, *marks)
    segments = min(_SEGMENTS, max(1, int(_shape_seconds(block) / _SEGMENT_SECONDS)))
    wanted = max(1, program.num_records // segments)
    return max(size for size in range(1, grain + 1) if grain % size == 0 and size <= wanted)


def _shape_seconds(block: BlockPlan) -> float:
    """Rough time of a block that fills its shape."""
    runs, width, train, test = block.shape
    sizes = np.array([[width * train / runs, width * test / runs]])
    work = work_of(block.program)
    return runs * float(run_seconds(sizes, width, runs, work, block.program)[0])


def _compile(block: BlockPlan, device: Any) -> Compiled:
    program, schedule, shape, snapshots = block.key
    del snapshots
    rows = None if block.pool is None else len(block.pool)
    return compile_block(program, schedule, shape, _records_per_segment(block), rows, device, compile_settings())


def _train(
    block: BlockPlan,
    compiled: Compiled,
    device: Any,
    pools: _Pools,
    on_steps: Callable[[int], None],
    stop: threading.Event,
) -> BlockResult | None:
    """Train one block from start to end; None if told to stop."""
    program = block.program
    packed = draw_block(program, block.shape, [run.experiment for run in block.runs])
    data, state = _start(block, compiled, packed, pools, device)
    records = [jax.tree.map(lambda leaf: np.asarray(leaf)[None], compiled.record(data, state))]
    wanted = {step for run in block.runs for step in run.experiment.snapshots}
    snapshots = {0: _snapshot(state)} if 0 in wanted else {}
    span = _records_per_segment(block) * program.record_every
    for start in range(0, program.steps, span):
        if stop.is_set():
            return None
        state, segment_records = compiled.segment(data, state, _rows(block, start, start + span, device))
        records.append(_host(segment_records))
        if start + span in wanted:
            snapshots[start + span] = _snapshot(state)
        on_steps(span)
    return _result(block, state, records, snapshots)


def _start(
    block: BlockPlan, compiled: Compiled, packed: Block, pools: _Pools, device: Any
) -> tuple[BlockData, RunState]:
    """Put a packed block on its device, with the initial state of each run."""
    runs = range(block.shape.runs)
    each = [compiled.init(packed.keys[i], {path: value[i] for path, value in packed.hyper.items()}) for i in runs]
    params, opt_state = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *each)
    zeros: Any = np.zeros(block.shape.runs, np.int32)
    data = BlockData(packed.hyper, packed.train, packed.test, None)
    data, state = jax.device_put((data, RunState(params, opt_state, zeros, zeros)), device)
    return data._replace(pool=pools.get(block, device)), state


def _rows(block: BlockPlan, start: int, stop: int, device: Any) -> Any:
    size = block.program.batch_size
    if size is None:
        return None
    runs = [run.experiment for run in block.runs]
    runs += [runs[-1]] * (block.shape.runs - len(runs))
    rows = batch_order(runs, size, start, stop)
    return jax.device_put(rows.reshape(-1, block.program.record_every, *rows.shape[1:]), device)


def _host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


def _snapshot(state: RunState) -> Any:
    """Parameters of every run, NaN for those that diverged: the values they froze at are no state of this step."""
    diverged = np.asarray(state.status) == Status.DIVERGED

    def blank(leaf: Any) -> np.ndarray:
        return np.where(diverged.reshape(-1, *(1,) * (leaf.ndim - 1)), np.nan, leaf)

    return jax.tree.map(lambda leaf: blank(leaf).astype(leaf.dtype), state.params)


def _result(block: BlockPlan, state: RunState, records: list[Any], snapshots: dict[int, Any]) -> BlockResult:
    real = slice(0, len(block.runs))
    joined = jax.tree.map(lambda *parts: np.moveaxis(np.concatenate(parts), 0, 1)[real], *records)
    status, stop_step = np.asarray(state.status)[real], np.array(state.stop_step)[real]
    ended = np.where(status == Status.RUNNING, Status.FINISHED, status)
    # No step looks at the loss of the final state, so its record has the last word.
    final = joined.get("train_loss", np.zeros((len(block.runs), 1)))[:, -1]
    ended = np.where((ended == Status.FINISHED) & ~np.isfinite(final), Status.DIVERGED, ended)
    return BlockResult(joined, ended, stop_step, jax.tree.map(lambda leaf: leaf[real], snapshots))
