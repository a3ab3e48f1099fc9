"""What a run costs: work counted from its program, seconds by the rates of a lane, roughly.

The plan of a sweep follows from these numbers, so they are fixed per kind of device: a plan that hung on a measurement
would give the same call other packed shapes, and other bits, from day to day. Ratios between the rates decide, not their
values. How they were measured is in docs/performance.md; `memjax.explain` scales the seconds it states by a quick
measurement.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.engine.program.check import shape_of
from memjax.engine.program.program import Keys, Program
from memjax.engine.program.step import loss_sum
from memjax.examples import Tile
from memjax.jax_settings import float_dtype

__all__ = ["COMPILE_SECONDS", "Rates", "Work", "candidate_widths", "rates", "run_seconds", "work_of"]

# Of one lane: three programs take 2 s on two cores.
COMPILE_SECONDS = 4.0
_WIDEST = 512
# One run on two cores: tiles of 1600 to 6400 take about 1 / 1.6 of the time (python -m benchmarks.lone_run).
_WIDEST_SHARED = 6400
_SHARED_FROM = 800
_SHARED_GAIN = 0.6
_SAMPLE = 64


class Rates(NamedTuple):
    """Speed of one lane.

    Attributes
    ----------
    flops, bytes
        Operations, and bytes read or written by operations (most of them from cache), per second.
    tile, step
        Seconds that each tile, and each step of a block, cost beside their work.
    parameter
        Seconds per parameter of an update.
    """

    flops: float
    bytes: float
    tile: float
    step: float
    parameter: float


_CPU_CORE = Rates(2.2e11, 1.9e11, 2e-6, 5e-6, 1.5e-9)
# Not measured yet: half the peaks of an H100 in float32, and forty kernels a step.
_ACCELERATOR = Rates(2e13, 2e12, 0.0, 2e-4, 2e-11)


def rates() -> Rates:
    """Rates of a lane of JAX's default backend: a core of a CPU, or a whole accelerator."""
    return _CPU_CORE if jax.default_backend() == "cpu" else _ACCELERATOR


class Work(NamedTuple):
    """What one program does, counted from its lowered form before XLA fuses anything.

    Attributes
    ----------
    flops, bytes
        Per example of a gradient.
    activation_bytes
        Per example of a gradient: all values on the way, as if none were fused or freed.
    parameters, state_bytes
        Parameters of the model; bytes of them and of the optimizer's state together.
    """

    flops: float
    bytes: float
    activation_bytes: float
    parameters: int
    state_bytes: int


# Planning asks for the work of every program several times: more programs than this would be counted anew each time.
@functools.lru_cache(maxsize=8192)
def work_of(program: Program) -> Work:
    """Count the work of a program by lowering the gradient of one tile; compiles nothing."""
    number = jax.ShapeDtypeStruct((), float_dtype())
    hyper = dict.fromkeys(program.traced, number)
    key = jax.ShapeDtypeStruct((2,), "uint32")
    params, opt_state = jax.eval_shape(program.init, Keys(key, key), hyper)
    mask: Any = jax.ShapeDtypeStruct((_SAMPLE,), "bool")
    tile = Tile(program.x.struct(_SAMPLE), program.y.struct(_SAMPLE), mask)
    gradient = jax.jit(jax.value_and_grad(loss_sum(program)))
    shape_of(f"The gradient of the loss of {_SAMPLE} examples cannot be computed", gradient, params, hyper, tile)
    traced = gradient.trace(params, hyper, tile)
    counts = traced.lower().cost_analysis() or {}
    activations = sum(_bytes(out.aval) for equation in traced.jaxpr.jaxpr.eqns for out in equation.outvars)
    return Work(
        flops=counts.get("flops", 0.0) / _SAMPLE,
        bytes=counts.get("bytes accessed", 0.0) / _SAMPLE,
        activation_bytes=activations / _SAMPLE,
        parameters=sum(leaf.size for leaf in jax.tree.leaves(params)),
        state_bytes=sum(_bytes(leaf) for leaf in jax.tree.leaves((params, opt_state))),
    )


def _bytes(array: object) -> int:
    return math.prod(getattr(array, "shape", ())) * getattr(getattr(array, "dtype", None), "itemsize", 4)


def candidate_widths(sizes: Sequence[int], cores: int = 1) -> list[int]:
    """Tile widths worth trying for some train sizes: each size cut into equal tiles of at most 512, and powers of two.

    Where a run has several cores to itself, tiles may be so wide that XLA's products share them: up to 6400.

    Multiples of 32 fill the vector registers of a CPU and the blocks of a GPU: a tile of 64 takes less time than one of 50.

    Examples
    --------
    >>> candidate_widths([50, 1000])
    [64, 128, 256, 512]
    """
    fitted = {
        _filled(math.ceil(size / math.ceil(size / widest)))
        for size in sizes
        for widest in (_WIDEST, *([_WIDEST_SHARED] if cores > 1 else []))
    }
    powers = {2**k for k in range(6, 10) if 2**k < 2 * max(sizes)}
    return sorted(fitted | powers)


def _filled(width: int) -> int:
    grain = 32 if width >= 32 else 8
    return math.ceil(width / grain) * grain


def run_seconds(sizes: np.ndarray, width: int, block: int, work: Work, program: Program, cores: int = 1) -> np.ndarray:
    """Seconds ``[R]`` that runs with train and test ``sizes[R, 2]`` take on one lane each, ``block`` of them at a time.

    A lane has one core, or ``cores`` of them where there are fewer runs than cores.
    """
    flops, moved, tile, step, parameter = rates()
    shared = min(cores, max(1.0, width / _SHARED_FROM))
    example = (work.flops / flops + work.bytes / moved) / (1 + _SHARED_GAIN * (shared - 1))
    # The gradient of a tile is added to that of the others, about a third of what an update does.
    tile += work.parameters * parameter / 3
    tiles = np.ceil(sizes / width)
    # A record is a forward pass over both splits, about a third of a gradient.
    record = tiles.sum(1) * (width * example + tile) / 3
    batch = program.batch_size
    gradient = tiles[:, 0] * (width * example + tile) if batch is None else batch * example + tile
    return program.steps * (gradient + work.parameters * parameter + step / block + record / program.record_every)
