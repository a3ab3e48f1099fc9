"""The training loop: a loop over records around a loop over steps, compiled once per packed shape."""

from __future__ import annotations

import functools
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from memjax.engine.program.batches import batches_shapes
from memjax.engine.program.by_example import take_examples
from memjax.engine.program.forward import with_shapes
from memjax.engine.program.initial import host
from memjax.engine.program.program import Program, ShapeOf
from memjax.engine.program.step import BlockData, RunState, first_state, put_back, step, take_record
from memjax.engine.program.tiles import Schedule, Shape, Tiles, split_shapes
from memjax.engine.program.vectors import as_held, as_tree, start_shapes, state_as_held, state_as_tree
from memjax.jax_settings import float_dtype

__all__ = [
    "Compiled",
    "CompiledRecord",
    "Interval",
    "Length",
    "compile_block",
    "compile_examples",
    "compile_record",
    "options_of",
    "segment",
    "segment_function",
    "segment_shapes",
    "state_shapes",
    "with_device",
]


class Length(NamedTuple):
    """Length of a segment: number of records up to the K of its program, and steps ``int32[K]`` before each. Both are data.

    One record after no step is the record of the initial state, so that record needs no program of its own.
    """

    records: Any
    steps: Any


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

    offset = jnp.cumsum(length.steps, dtype=jnp.int32) - length.steps

    def one_record(k: Any, carry: tuple[RunState, Interval, Any]) -> tuple[RunState, Interval, Any]:
        def one_step(i: Any, carry: tuple[RunState, Any]) -> tuple[RunState, Any]:
            state, loss = stepped(held, carry[0], None if rows is None else rows.at(offset[k] + i))
            return state, carry[1] + loss

        begun = jax.tree.map(lambda leaf: jnp.where(k == 0, leaf, jnp.zeros_like(leaf)), carry[1])
        state, total = jax.lax.fori_loop(0, length.steps[k], one_step, (carry[0], begun.total))
        state, interval = put_back(state, carry[0].params), Interval(total, begun.steps + length.steps[k])
        record = taken(data, _for_record(program, state), *interval)
        return state, interval, jax.tree.map(lambda room, value: room.at[k].set(value), carry[2], record)

    losses = jax.eval_shape(stepped, held, first, None if rows is None else rows.at(0))[1]
    one = jax.eval_shape(taken, data, state._replace(opt_state=None), losses, before.steps)
    room = jax.tree.map(lambda leaf: jnp.zeros((records, *leaf.shape), leaf.dtype), one)
    begun = before._replace(total=before.total.astype(losses.dtype))
    last, interval, found = jax.lax.fori_loop(0, length.records, one_record, (first, begun, room))
    # No loss is wider than the numbers that enter a program, so this cast and the one before change no bit.
    interval = interval._replace(total=interval.total.astype(before.total.dtype))
    return RunState(*state_as_tree(program, last[:2]), *last[2:]), interval, found


def _for_record(program: Program, held: RunState) -> RunState:
    """What a record needs of a state, which is all but the optimizer's, outside the loop's form."""
    return held._replace(params=as_tree(program, held.params), opt_state=None)


# Operations over a batch that wait inside XLA's thread pool for other threads of the pool: LAPACK and Fourier transforms.
_POOL_OPERATIONS = re.compile(r"@lapack_|stablehlo\.fft")


class Compiled(NamedTuple):
    """Compiled programs of one packed shape on one device.

    Attributes
    ----------
    first
        ``(params, raw keys, hyper) -> opt_state`` of all runs, one after another, on the host.
    segment
        ``(data, state, before, rows, length) -> (state, interval, records [K, R, ...])``.
    blocks_pool
        Whether one of the programs waits inside XLA's thread pool; see `memjax.engine.training.lanes.pool_turn`.
    """

    first: Any
    segment: Any
    blocks_pool: bool


def _tile_shapes(x: ShapeOf, y: ShapeOf, runs: int, tiles: int, width: int) -> Tiles:
    over = lambda *lead: jax.ShapeDtypeStruct(lead, "int32")  # noqa: E731
    return Tiles(x.struct(tiles, width), y.struct(tiles, width), over(runs), over(runs), over())


def block_shapes(
    program: Program, schedule: Schedule, shape: Shape, pool: ShapeOf | None, rows: int
) -> tuple[Any, Any]:
    """Shape structs of the programs' arguments: the data and the state."""
    hyper = {path: jax.ShapeDtypeStruct((shape.runs,), float_dtype()) for path in program.traced}
    x = program.x if pool is None else ShapeOf(((), "int32"))
    train, test, *more = (_tile_shapes(x, program.y, shape.runs, *split) for split in split_shapes(schedule, shape))
    state = state_shapes(program, shape)
    live = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, "int32"), state.params)
    pooled = None if pool is None else program.x.struct(rows)
    further = dict(zip(program.splits, more, strict=True)) or None
    data = BlockData(hyper, train, test, pooled, None if program.widths is None else live, further)
    return with_shapes(program, data), state


def state_shapes(program: Program, shape: Shape) -> Any:
    """Shape structs of the training state."""
    one = start_shapes(program)[1:]
    stacked = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((shape.runs, *leaf.shape), leaf.dtype), one)
    return jax.eval_shape(lambda p, o: first_state(p, o, shape.runs), *stacked)


def with_device(device: Any, shapes: Any) -> Any:
    """Shape structs of arrays on a device."""
    here = jax.sharding.SingleDeviceSharding(device)
    return jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=here), shapes)


def segment_shapes(
    program: Program, schedule: Schedule, shape: Shape, records: int, pool_rows: int | None, orders: int
) -> tuple[Any, ...]:
    """Shape structs of the arguments of a segment; arguments as in `compile_block`."""
    data, state = block_shapes(program, schedule, shape, None if pool_rows is None else program.x, pool_rows or 0)
    rows = batches_shapes(program, records, shape.runs, orders)
    count = jax.ShapeDtypeStruct((), "int32")
    before = Interval(jax.ShapeDtypeStruct((shape.runs,), float_dtype()), count)
    return data, state, before, rows, Length(count, jax.ShapeDtypeStruct((records,), "int32"))


def segment_function(program: Program, schedule: Schedule, records: int) -> Any:
    """The segment as a jitted function ``(data, state, before, rows, length)``."""
    return jax.jit(functools.partial(segment, program, schedule, records))


@functools.lru_cache(maxsize=64)
def compile_block(
    program: Program,
    schedule: Schedule,
    shape: Shape,
    records: int,
    pool_rows: int | None,
    orders: int,
    device: Any,
    settings: tuple[Any, ...],
) -> Compiled:
    """Compile the programs of a packed shape at the same time; the same arguments give the same programs.

    Parameters
    ----------
    records
        Records per segment.
    pool_rows
        Rows of the task's pool, or None.
    orders
        Orders of minibatches among the runs.
    device
        Where the block will run.
    settings
        JAX's settings that change what is compiled. They are used only in the key of the cache.
    """
    del settings
    given = segment_shapes(program, schedule, shape, records, pool_rows, orders)
    lowered = [
        _lower_first(program, shape.runs, host(device)),
        segment_function(program, schedule, records).lower(*with_device(device, given)),
    ]
    blocks_pool = any(_blocks_pool(low, device) for low in lowered)
    with ThreadPoolExecutor(len(lowered)) as pool:
        options = (options_of(where.platform) for where in (host(device), device))
        first, run = pool.map(lambda low, chosen: low.compile(compiler_options=chosen), lowered, options)
    return Compiled(first, run, blocks_pool)


def _lower_first(program: Program, runs: int, device: Any) -> Any:
    (key, numbers), params, _ = start_shapes(program)
    of_runs = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((runs, *leaf.shape), leaf.dtype), (params, key, numbers))
    # A user's rule is mapped, not batched: what it computes from the parameters of a run must not depend on the runs beside it.
    if program.optimizer.built_in:
        each = jax.vmap(program.first_state)
    else:
        each = lambda *given: jax.lax.map(lambda one: program.first_state(*one), given)  # noqa: E731
    return jax.jit(each).lower(*with_device(device, of_runs))


class CompiledRecord(NamedTuple):
    """The program of a record alone, for networks that are trained already.

    Attributes
    ----------
    record, blocks_pool
        As in `Compiled`; the state has no optimizer.
    """

    record: Any
    blocks_pool: bool


@functools.lru_cache(maxsize=64)
def compile_record(
    program: Program, schedule: Schedule, shape: Shape, pool_rows: int | None, device: Any, settings: tuple[Any, ...]
) -> CompiledRecord:
    """Compile the record of a packed shape; arguments as in `compile_block`."""
    del settings
    data, state = block_shapes(program, schedule, shape, None if pool_rows is None else program.x, pool_rows or 0)
    place = functools.partial(with_device, device)
    function = jax.jit(lambda d, s: take_record(program, schedule, d, s))
    lowered = function.lower(*place((data, state._replace(opt_state=None))))
    return CompiledRecord(lowered.compile(compiler_options=options_of(device.platform)), _blocks_pool(lowered, device))


@functools.lru_cache(maxsize=64)
def compile_examples(
    program: Program, schedule: Schedule, shape: Shape, pool_rows: int | None, device: Any, settings: tuple[Any, ...]
) -> CompiledRecord:
    """Compile the values of single examples of a packed shape; arguments as in `compile_block`."""
    del settings
    data, state = block_shapes(program, schedule, shape, None if pool_rows is None else program.x, pool_rows or 0)
    place = functools.partial(with_device, device)
    function = jax.jit(lambda d, s: take_examples(program, schedule, d, s))
    lowered = function.lower(*place((data, state._replace(opt_state=None))))
    return CompiledRecord(lowered.compile(compiler_options=options_of(device.platform)), _blocks_pool(lowered, device))


def _blocks_pool(lowered: Any, device: Any) -> bool:
    return device.platform == "cpu" and _POOL_OPERATIONS.search(lowered.as_text()) is not None


def options_of(platform: str) -> dict[str, Any]:
    """Options of XLA for the programs of a platform."""
    return _OPTIONS.get(platform, {})


_OPTIONS: dict[str, dict[str, Any]] = {
    # A lane has one core, so independent operations should run one after another.
    "cpu": {"xla_cpu_enable_concurrency_optimized_scheduler": False},
    # Tuned kernels are chosen by a race against the clock: another process might choose others, and get other bits.
    "gpu": {"xla_gpu_enable_triton_gemm": False, "xla_gpu_autotune_level": 0},
}
