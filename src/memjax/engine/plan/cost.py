"""The estimated cost of a run: its work is counted from its program, and its seconds follow from the speed of a lane.

The plan of a sweep follows from these rates, so they are constants per kind of device. If they were measured each time, the
same call would get other packed shapes, and other bits, from day to day. Only the ratios between the rates matter.
docs/performance.md says how they were measured. `memjax.explain` scales its seconds by a quick measurement.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from memjax.engine.plan.fits import fit_operations, operations
from memjax.engine.plan.liveness import array_bytes
from memjax.engine.program.initial import host
from memjax.engine.program.output_shapes import shape_of
from memjax.engine.program.program import Program, parameter_layout
from memjax.engine.program.shapes import with_device
from memjax.engine.program.traced_loss import traced_gradient, traced_loss
from memjax.engine.program.vectors import start_shapes
from memjax.fields import without_numbers
from memjax.jax_settings import float_dtype
from memjax.models import MLP
from memjax.models.stacked_mlp import StackedMLP
from memjax.optimizers.closed import is_closed_form

__all__ = [
    "COMPILE_SECONDS",
    "Rates",
    "Work",
    "candidate_widths",
    "compile_seconds",
    "rates",
    "run_seconds",
    "work_of",
]

# Trace and compile of a small training program: seconds of one core, whether one core or several work at it. More layers take
# more (1.3, 1.7 and 3.7 times as long for 5, 10 and 20 hidden layers), and so does a loop over layers, whatever their number.
COMPILE_SECONDS = 1.25
_ARRAYS, _LOOP = 24, 2.0
_WIDEST = 512
# Widest tile for one run on two cores: tiles of 1600 to 6400 are about 1.6 times as fast (python -m benchmarks.lone_run).
_WIDEST_SHARED = 6400
_SHARED_FROM = 800
_SHARED_GAIN = 0.6
_SAMPLE = 64
# A tile whose values are larger than the last cache, as those of convolutions are, moves its bytes up to 3.5 times as slowly:
# 20 runs of ConvNet((16, 32)) on digits took 17 s in tiles of 512, and 6 s in tiles of 32 to 128. The bytes are those of all
# values before XLA fuses any, of which the 32 MB of the cache measured held about 40 MB. Where parameters fill the cache in any
# tile, as in wide dense layers, smaller tiles gain nothing.
_CACHED, _CACHED_PER_STATE, _UNCACHED = 40e6, 4, 2.5


class Rates(NamedTuple):
    """Speed of one lane.

    Attributes
    ----------
    flops, bytes
        Operations per second, and bytes per second that operations read or write (mostly in cache).
    tile, step
        Fixed seconds per tile, and per step of a block, in addition to their work.
    parameter
        Seconds of an update, per parameter.
    """

    flops: float
    bytes: float
    tile: float
    step: float
    parameter: float


_CPU_CORE = Rates(2.2e11, 1.9e11, 2e-6, 5e-6, 1.5e-9)
# Not measured yet: half the peak rates of an H100 in float32, and the launches of forty kernels per step.
_ACCELERATOR = Rates(2e13, 2e12, 0.0, 2e-4, 2e-11)


def rates() -> Rates:
    """Rates of one lane of JAX's default backend: one core of a CPU, or one whole accelerator."""
    return _CPU_CORE if jax.default_backend() == "cpu" else _ACCELERATOR


class Work(NamedTuple):
    """The work of one program, counted from its lowered form, before XLA fuses operations.

    Attributes
    ----------
    flops, bytes
        Of the gradient, per example; and of the draw, if every step draws its examples.
    activation_bytes
        All intermediate values of the gradient, per example, as if none were fused or freed.
    parameters, state_bytes
        Number of parameters; bytes of the parameters and the optimizer's state together.
    """

    flops: float
    bytes: float
    activation_bytes: float
    parameters: int
    state_bytes: int


def work_of(program: Program) -> Work:
    """Count the work of a program by lowering the gradient of one tile; compiles nothing."""
    return _counted(_unrolled(dataclasses.replace(program, widths=None)), float_dtype().name)


def _unrolled(program: Program) -> Program:
    """The program without a loop over layers, which XLA would count as one layer."""
    if not isinstance(program.model, StackedMLP):
        return program
    stack = program.model
    model = MLP((stack.width,) * stack.layers, stack.activation, stack.bias, outputs=stack.outputs)
    traced = tuple(sorted({*program.traced, "model.init_scale"} - {"model.depth"}))
    return dataclasses.replace(program, model=without_numbers(model), traced=traced)


def compile_seconds(program: Program) -> float:
    """Seconds of one core in which a training program is traced and compiled."""
    if isinstance(program.model, StackedMLP):
        return _LOOP * COMPILE_SECONDS
    return COMPILE_SECONDS * (1 + (len(parameter_layout(program)) / _ARRAYS) ** 2)


# Planning asks for the work of every program several times. With more programs than this, work is counted again each time.
@functools.lru_cache(maxsize=8192)
def _counted(program: Program, dtype: str) -> Work:
    del dtype
    (_, hyper), params, opt_state = start_shapes(program)
    total, shapes, given = traced_loss(program, hyper, _SAMPLE)
    # A closed-form fit takes no gradient: its passes over the examples cost about as much as a forward pass.
    fitted = is_closed_form(program.optimizer)
    gradient = jax.jit(total if fitted else traced_gradient(program, hyper, _SAMPLE)[0])
    hyper = shapes
    shape_of(f"The gradient of the loss of {_SAMPLE} examples cannot be computed", gradient, params, hyper, given)
    # JAX counts nothing for accelerators, and a plan should be the same everywhere.
    traced = gradient.trace(*with_device(host(jax.local_devices()[0]), (params, hyper, given)))
    counts = traced.lower().cost_analysis() or {}
    flops = counts.get("flops", 0.0)
    flops = max(flops, operations(traced.jaxpr.jaxpr)) if fitted else flops
    activations = sum(array_bytes(out.aval) for equation in traced.jaxpr.jaxpr.eqns for out in equation.outvars)
    return Work(
        flops=flops / _SAMPLE,
        bytes=counts.get("bytes accessed", 0.0) / _SAMPLE,
        activation_bytes=activations / _SAMPLE,
        parameters=sum(leaf.size for leaf in jax.tree.leaves(params)),
        state_bytes=sum(array_bytes(leaf) for leaf in jax.tree.leaves((params, opt_state))),
    )


def candidate_widths(sizes: Sequence[int], cores: int = 1) -> list[int]:
    """Tile widths worth trying for given train sizes: every size cut into equal tiles of at most 512, and powers of two.

    If a run has several cores, tiles may be up to 6400 wide, so that XLA divides matrix products among the cores.

    Multiples of 16 fill the vector registers of a CPU: a tile of 64 takes less time than one of 50, and one of 80 than 96.

    Examples
    --------
    >>> candidate_widths([50, 1000])
    [64, 128, 256, 512]
    """
    fitted = {
        _round_width(math.ceil(size / math.ceil(size / widest)))
        for size in sizes
        for widest in (_WIDEST, *([_WIDEST_SHARED] if cores > 1 else []))
    }
    powers = {2**k for k in range(6, 10) if 2**k < 2 * max(sizes)}
    return sorted(fitted | powers)


def _round_width(width: int) -> int:
    grain = 16 if width >= 32 else 8
    return math.ceil(width / grain) * grain


def run_seconds(sizes: np.ndarray, width: int, block: int, work: Work, program: Program, cores: int = 1) -> np.ndarray:
    """Seconds ``[R]`` on one lane of runs with train and test ``sizes[R, 2]``, when ``block`` runs train together.

    A lane has one core, or ``cores`` cores if there are fewer runs than cores.
    """
    flops, moved, tile, step, parameter = rates()
    shared = min(cores, max(1.0, width / _SHARED_FROM))
    moved /= _slowdown(width / shared, work)
    example = (work.flops / flops + work.bytes / moved) / (1 + _SHARED_GAIN * (shared - 1))
    # Adding the gradient of a tile to the sum over tiles costs about a third of an update.
    tile += work.parameters * parameter / 3
    tiles = np.ceil(sizes / width)
    # A record is a forward pass over both splits, which costs about a third of a gradient.
    record = tiles.sum(1) * (width * example + tile) / 3
    batch = program.batch_size
    gradient = tiles[:, 0] * (width * example + tile) if batch is None else batch * example + tile
    between = program.steps / program.num_records
    if is_closed_form(program.optimizer):
        # A fit goes through the examples too, and then has work that does not grow with them.
        step += block * fit_operations(program, int(sizes[:, 0].max()), float_dtype().name) / flops
    return program.steps * (gradient + work.parameters * parameter + step / block + record / between)


def _slowdown(width: float, work: Work) -> float:
    """Factor of the time in which a core moves the bytes of a tile that leaves the cache; 1 on an accelerator."""
    if jax.default_backend() != "cpu":
        return 1.0
    cached = _CACHED + _CACHED_PER_STATE * work.state_bytes
    return 1 + _UNCACHED * max(0.0, 1 - cached / max(width * work.activation_bytes, 1.0))
