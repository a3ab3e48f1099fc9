"""The training loop: a scan over records around a scan over steps, compiled once per packed shape."""

from __future__ import annotations

import functools
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from memjax.engine.program.program import Program, RunKeys, ShapeOf, num_parameters
from memjax.engine.program.step import BlockData, RunState, Schedule, first_state, step, take_record
from memjax.engine.program.tiles import Shape, Tiles
from memjax.jax_settings import float_dtype

__all__ = ["Compiled", "CompiledRecord", "compile_block", "compile_record", "segment", "state_shapes"]


def segment(
    program: Program, schedule: Schedule, records: int, data: BlockData, state: RunState, rows: Any
) -> tuple[RunState, dict[str, Any]]:
    """Train for ``records`` records, and compute them.

    Parameters
    ----------
    records
        Number of records K, one after every ``record_every`` steps.
    rows
        Minibatch rows ``int32[K, record_every, R, B]``, or None for full batch.

    Returns
    -------
    tuple
        The state after the last step, and the records, ``[K, R, ...]`` each.
    """

    def one_step(state: RunState, rows: Any) -> tuple[RunState, Any]:
        return step(program, schedule, data, state, rows)

    def one_record(state: RunState, rows: Any) -> tuple[RunState, dict[str, Any]]:
        state, losses = jax.lax.scan(one_step, state, rows, length=program.record_every)
        return state, take_record(program, schedule, data, state, losses)

    return jax.lax.scan(one_record, state, rows, length=records)


# Operations over a batch that wait inside XLA's thread pool for other threads of the pool: LAPACK and Fourier transforms.
_POOL_OPERATIONS = re.compile(r"@lapack_|stablehlo\.fft")


class Compiled(NamedTuple):
    """Compiled programs of one packed shape on one device.

    Attributes
    ----------
    init
        ``(keys, hyper, start) -> (params, opt_state)`` of one run. It runs on the host, so that the numbers do not depend
        on the device, nor on the other runs of the block.
    record
        ``(data, state) -> records [R, ...]`` of a state, without a step.
    segment
        ``(data, state, rows) -> (state, records [K, R, ...])``.
    blocks_pool
        Whether one of the programs waits inside XLA's thread pool; see `memjax.engine.training.lanes.pool_turn`.
    """

    init: Any
    record: Any
    segment: Any
    blocks_pool: bool


def _start_shapes(program: Program, hyper: Any) -> tuple[Any, Any]:
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), leaf.dtype), hyper)
    key = jax.ShapeDtypeStruct((2,), "uint32")
    start = jax.ShapeDtypeStruct((num_parameters(program),), float_dtype()) if program.started else None
    arguments = RunKeys(key, key), one, start
    return arguments, jax.eval_shape(program.init, *arguments)


def _tile_shapes(x: ShapeOf, y: ShapeOf, runs: int, tiles: int, width: int) -> Tiles:
    over = lambda *lead: jax.ShapeDtypeStruct(lead, "int32")  # noqa: E731
    return Tiles(
        x.struct(tiles, width), y.struct(tiles, width), over(runs), over(runs), over(tiles), over(tiles), over()
    )


def block_shapes(program: Program, shape: Shape, pool: ShapeOf | None, rows: int) -> tuple[Any, Any, Any]:
    """Shape structs of the programs' arguments: the arguments of init, the data, and the state."""
    number = float_dtype()
    hyper = {path: jax.ShapeDtypeStruct((shape.runs,), number) for path in program.traced}
    x = program.x if pool is None else ShapeOf(((), "int32"))
    train, test = (_tile_shapes(x, program.y, shape.runs, tiles, shape.width) for tiles in shape[2:])
    data = BlockData(hyper, train, test, None if pool is None else program.x.struct(rows))
    start, _ = _start_shapes(program, hyper)
    return start, data, state_shapes(program, shape)


def state_shapes(program: Program, shape: Shape) -> Any:
    """Shape structs of the training state."""
    hyper = {path: jax.ShapeDtypeStruct((shape.runs,), float_dtype()) for path in program.traced}
    _, one = _start_shapes(program, hyper)
    stacked = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((shape.runs, *leaf.shape), leaf.dtype), one)
    return jax.eval_shape(lambda p, o: first_state(p, o, shape.runs), *stacked)


def _host(device: Any) -> Any:
    """The host's CPU device if JAX has one, so that initial parameters do not depend on the accelerator."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return device


def _with_device(device: Any, shapes: Any) -> Any:
    here = jax.sharding.SingleDeviceSharding(device)
    return jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=here), shapes)


@functools.lru_cache(maxsize=64)
def compile_block(
    program: Program,
    schedule: Schedule,
    shape: Shape,
    records: int,
    pool_rows: int | None,
    device: Any,
    settings: tuple[Any, ...],
) -> Compiled:
    """Compile the three programs of a packed shape at the same time; the same arguments give the same programs.

    Parameters
    ----------
    records
        Records per segment.
    pool_rows
        Rows of the task's pool, or None.
    device
        Where the block will run.
    settings
        JAX's settings that change what is compiled. They are used only in the key of the cache.
    """
    del settings
    start, data, state = block_shapes(program, shape, None if pool_rows is None else program.x, pool_rows or 0)
    batch = (records, program.record_every, shape.runs, program.batch_size)
    rows = None if program.batch_size is None else jax.ShapeDtypeStruct(batch, "int32")
    place = functools.partial(_with_device, device)
    lowered = (
        jax.jit(program.init).lower(*_with_device(_host(device), start)),
        jax.jit(lambda d, s: take_record(program, schedule, d, s)).lower(*place((data, state))),
        jax.jit(lambda d, s, r: segment(program, schedule, records, d, s, r)).lower(*place((data, state, rows))),
    )
    blocks_pool = any(_blocks_pool(low, device) for low in lowered)
    with ThreadPoolExecutor(len(lowered)) as pool:
        init, record, run = pool.map(lambda low: low.compile(compiler_options=_options(device)), lowered)
    return Compiled(init, record, run, blocks_pool)


class CompiledRecord(NamedTuple):
    """The program of a record alone, for networks that are trained already.

    Attributes
    ----------
    record, blocks_pool
        As in `Compiled`; the state has no optimizer.
    params
        Shape structs of the parameters of one network.
    """

    record: Any
    params: Any
    blocks_pool: bool


@functools.lru_cache(maxsize=64)
def compile_record(
    program: Program, schedule: Schedule, shape: Shape, pool_rows: int | None, device: Any, settings: tuple[Any, ...]
) -> CompiledRecord:
    """Compile the record of a packed shape; arguments as in `compile_block`."""
    del settings
    _, data, state = block_shapes(program, shape, None if pool_rows is None else program.x, pool_rows or 0)
    place = functools.partial(_with_device, device)
    function = jax.jit(lambda d, s: take_record(program, schedule, d, s))
    lowered = function.lower(*place((data, state._replace(opt_state=None))))
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), state.params)
    return CompiledRecord(lowered.compile(compiler_options=_options(device)), one, _blocks_pool(lowered, device))


def _blocks_pool(lowered: Any, device: Any) -> bool:
    return device.platform == "cpu" and _POOL_OPERATIONS.search(lowered.as_text()) is not None


def _options(device: Any) -> dict[str, Any]:
    """Options of XLA. A lane has one core, so independent operations should run one after another."""
    return {"xla_cpu_enable_concurrency_optimized_scheduler": False} if device.platform == "cpu" else {}
