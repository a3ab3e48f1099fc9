"""Blocks of runs planned and compiled as on a GPU: what the compiler says of each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax

from benchmarks.gpu.compiled.card import device
from benchmarks.gpu.compiled.hlo import step_kernels
from memjax.engine.program.compiled import options_of, segment_function
from memjax.engine.program.shapes import segment_shapes, with_device
from memjax.jax_settings import compile_settings, under

__all__ = ["as_on_a_gpu", "compiled", "lowered", "memory", "traffic"]


@contextlib.contextmanager
def as_on_a_gpu() -> Iterator[None]:
    """Plan and trace as memjax does where the default backend is a GPU: its rates, its memory, products in float32."""
    with mock.patch.object(jax, "default_backend", lambda: "gpu"), under(compile_settings()):
        yield


def lowered(block: Any) -> Any:
    """The training program of a block, not yet compiled."""
    program, schedule, shape, records, pool_rows, orders = block.key
    given = segment_shapes(program, schedule, shape, records, pool_rows, orders)
    return segment_function(program, schedule, records).lower(*with_device(device(), given))


def compiled(program: Any) -> Any:
    """A lowered program for the card, compiled as memjax does it."""
    return program.compile(compiler_options=options_of("gpu"))


def memory(block: Any, program: Any) -> dict[str, Any]:
    """Bytes that the plan states for a block, and those that the compiler's program takes."""
    found = program.memory_analysis()
    needed = found.argument_size_in_bytes + found.output_size_in_bytes + found.temp_size_in_bytes
    shape = block.shape
    return {
        "runs": shape.runs,
        "examples a run": shape.train_tiles * shape.width // shape.runs,
        "temporary": found.temp_size_in_bytes,
        "stated": block.bytes,
        "needed": needed - found.alias_size_in_bytes,
    }


def traffic(program: Any) -> dict[str, Any]:
    """Kernels of a step, and bytes that they read and write."""
    kernels = step_kernels(program.as_text())
    return {"kernels": len(kernels), "bytes": sum(one.read + one.written for one in kernels)}
