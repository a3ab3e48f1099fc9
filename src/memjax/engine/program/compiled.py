"""Compiled programs, each once per packed shape, and the options of XLA."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from memjax.engine.program.asked import shown
from memjax.engine.program.by_example import take_examples
from memjax.engine.program.evaluated import evaluated
from memjax.engine.program.initial import host
from memjax.engine.program.loop import segment
from memjax.engine.program.program import Program
from memjax.engine.program.record import take_record
from memjax.engine.program.shapes import block_shapes, segment_shapes, with_device
from memjax.engine.program.tiles import Schedule, Shape
from memjax.engine.program.vectors import start_shapes

__all__ = [
    "Compiled", "CompiledRecord", "compile_block", "compile_record", "options_of", "segment_function",
]  # fmt: skip

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
    examples
        ``(data, state without the optimizer's) -> values [T, B]`` of single examples; None where none are measured.
    evaluated
        ``state -> state`` with the parameters that are kept; None where these are the parameters themselves.
    blocks_pool
        Whether one of the programs waits inside XLA's thread pool; see `memjax.engine.training.lanes.pool_turn`.
    """

    first: Any
    segment: Any
    examples: Any
    evaluated: Any
    blocks_pool: bool


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
    lowered = {
        "first": _lower_first(program, shape.runs, host(device)),
        "segment": segment_function(program, schedule, records).lower(*with_device(device, given)),
    }
    if program.by_example:
        lowered["examples"] = _lower_taking(take_examples, program, schedule, shape, pool_rows, device)
    if program.evaluates:
        lowered["evaluated"] = jax.jit(functools.partial(evaluated, program)).lower(with_device(device, given[1]))
    blocks_pool = any(_blocks_pool(low, device) for low in lowered.values())
    with ThreadPoolExecutor(len(lowered)) as pool:
        options = [options_of(host(device).platform), *[options_of(device.platform)] * (len(lowered) - 1)]
        made = pool.map(lambda low, chosen: low.compile(compiler_options=chosen), lowered.values(), options)
        compiled = dict(zip(lowered, made, strict=True))
    return Compiled(
        compiled["first"], compiled["segment"], compiled.get("examples"), compiled.get("evaluated"), blocks_pool
    )


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
    lowered = _lower_taking(take_record, program, schedule, shape, pool_rows, device)
    return CompiledRecord(lowered.compile(compiler_options=options_of(device.platform)), _blocks_pool(lowered, device))


def _lower_taking(
    take: Callable[..., Any], program: Program, schedule: Schedule, shape: Shape, pool_rows: int | None, device: Any
) -> Any:
    """Lower what is taken of the data and of a state, without its optimizer unless a measure asks for that."""
    data, state = block_shapes(program, schedule, shape, None if pool_rows is None else program.x, pool_rows or 0)
    function = jax.jit(functools.partial(take, program, schedule))
    return function.lower(*with_device(device, (data, shown(program, state))))


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
