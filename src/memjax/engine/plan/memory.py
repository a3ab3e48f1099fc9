"""The estimated memory of a block of runs, before anything is compiled or drawn."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.engine.plan.cost import Work
from memjax.engine.plan.fits import fit_bytes
from memjax.engine.plan.liveness import peak_bytes
from memjax.engine.plan.segments import segment_records
from memjax.engine.program.asked import bound, first_seen
from memjax.engine.program.program import Program, ShapeOf
from memjax.engine.program.segments import longest
from memjax.engine.program.tiles import Schedule, Shape, rooms_of, split_shapes
from memjax.engine.program.traced_loss import traced_gradient
from memjax.engine.program.vectors import start_shapes
from memjax.examples import Examples
from memjax.experiment import Experiment
from memjax.experiment.splits import room_of
from memjax.jax_settings import float_dtype
from memjax.measures.folds import FOLDS
from memjax.measures.measure import Measure
from memjax.models.randomness import is_random
from memjax.optimizers.closed import is_closed_form
from memjax.types import Array, Params

__all__ = ["block_bytes", "host_bytes", "on_cpu", "run_bytes"]

# The values of a batched block take about so many times what is alive at once in the jaxprs of a gradient, of a record of both
# splits, and of measures of a whole split; two copies of the parameters and their gradient come besides. Fitted to programs
# compiled for an H100: python -m benchmarks.gpu.compiled.
_GRADIENT, _RECORD, _WHOLE, _COPIES = 1.0, 0.75, 1.0, 2
# A CPU fuses less of a batched block: python -m benchmarks.memory.
_ON_CPU = 1.5
# XLA gives the matrix products of a GPU the same room to work in.
_WORKSPACE = (32 if jax.__version_info__ < (0, 12) else 4) * 2**20


def block_bytes(program: Program, schedule: Schedule, shape: Shape, work: Work, pooled: bool) -> int:
    """Bytes that a block takes during training: on its device, and on a CPU, which is host and device, on the host too."""
    given = host_bytes(program, schedule, shape, work, pooled)
    # The state that goes into a segment, and the one that comes out.
    device = given + shape.runs * work.state_bytes + _value_bytes(program, schedule, shape, work)
    if pooled and schedule == "batched":
        # The rows that the examples point at, of both splits at once; streamed, a tile at a time.
        device += _row(program.x) * sum(tiles * width for tiles, width in split_shapes(schedule, shape))
    device += _example_bytes(program, schedule, shape) + _best_bytes(program, shape, work)
    if program.shows_state:
        # The loop's form of the state as a tree.
        device += shape.runs * work.state_bytes
    if program.penalty is not None:
        # Its derivative, as a tree and in the form of the loop.
        device += 2 * shape.runs * _parameter_bytes(work)
    return device + (given if on_cpu() else _WORKSPACE)


def _example_bytes(program: Program, schedule: Schedule, shape: Shape) -> int:
    """Values of single examples at one step, and the memory of folds before and after a segment."""
    rooms, found = rooms_of(program, schedule, shape), 0
    for part, split in program.example_variables.values():
        arrays = 0 if part.over is None else FOLDS[part.over].arrays
        found += 4 * (1 + 2 * arrays) * math.prod(rooms[part.measured_on(split)])
    # Where the first copy of each train example stands, and its number among them.
    return found + (8 * math.prod(rooms["train"]) if program.repeats else 0)


def on_cpu() -> bool:
    """Whether runs train on the host itself."""
    return jax.default_backend() == "cpu"


def host_bytes(program: Program, schedule: Schedule, shape: Shape, work: Work, pooled: bool) -> int:
    """Bytes that a block takes on the host: its data, its minibatches and its state, before they go to the device."""
    row = (4 if pooled else _row(program.x)) + _row(program.y)
    data = sum(tiles * width * row for tiles, width in split_shapes(schedule, shape))
    if is_random(program.model):
        # The numbers of the train examples.
        data += 4 * math.prod(split_shapes(schedule, shape)[0])
    if "initial" in program.asks:
        data += shape.runs * _parameter_bytes(work)
    rows = 0
    if program.batch_size is not None and program.has_order:
        # Those of the next segment are made meanwhile.
        steps = longest(program.record_at, segment_records(program, shape, ()))
        rows = 2 * 4 * steps * shape.runs * program.batch_size
    shared = 0 if program.stream is None else shape.runs * program.stream.bytes
    return data + rows + shared + shape.runs * work.state_bytes + _best_bytes(program, shape, work)


def _best_bytes(program: Program, shape: Shape, work: Work) -> int:
    """The best networks so far, which are a part of the state."""
    return 0 if program.keep_best is None else shape.runs * (_parameter_bytes(work) + 8)


def _value_bytes(program: Program, schedule: Schedule, shape: Shape, work: Work) -> int:
    """The values of a step or of a record, with the parameters and the gradient in the form of the loop and as trees."""
    if schedule == "batched":
        (_, train), *others = split_shapes(schedule, shape)
        dtype = float_dtype().name
        rooms = dict(zip(("test", *program.splits), (width for _, width in others), strict=True))
        peak = fit_bytes if is_closed_form(program.optimizer) else _gradient_peak
        gradient = peak(program, program.batch_size or train, dtype)
        values = max(gradient, _record_peak(program, (("train", train), *rooms.items()), dtype))
        copies = _COPIES + 2 * (program.widths is not None)
        return int(shape.runs * (values * (_ON_CPU if on_cpu() else 1) + copies * _parameter_bytes(work)))
    # XLA fuses or frees about half of the intermediate values.
    activations = shape.runs * max(shape.width, program.batch_size or 0) * work.activation_bytes / 2
    if is_closed_form(program.optimizer):
        activations += shape.runs * fit_bytes(program, shape.width, float_dtype().name)
    # Places of the parameters that are no padding, as a tree and as a vector.
    copies = 4 + 2 * (program.widths is not None)
    return int(activations + shape.runs * copies * _parameter_bytes(work))


@functools.lru_cache(maxsize=1024)
def _gradient_peak(program: Program, count: int, dtype: str) -> float:
    """Bytes of the values of one run in a gradient over ``count`` examples."""
    del dtype
    (_, hyper), params, _ = start_shapes(program)
    gradient, hyper, given = traced_gradient(program, hyper, count)
    return _GRADIENT * peak_bytes(gradient, params, hyper, given)


@functools.lru_cache(maxsize=1024)
def _record_peak(program: Program, rooms: tuple[tuple[str, int], ...], dtype: str) -> float:
    """Bytes of the values of one run in a record, from the most demanding measure; all its splits are computed at once."""
    del dtype
    (_, hyper), params, _ = start_shapes(program)
    size: Any = jax.ShapeDtypeStruct((), "int32")
    width = dict(rooms)

    def peak(measure: Measure, count: int) -> float:
        x, y = program.x.struct(1, count), program.y.struct(1, count)
        times = _RECORD if measure.per_example else _WHOLE
        return times * peak_bytes(_taken(program, measure), params, hyper, x, y, size)

    return max(
        (sum(peak(measure, width[split]) for split in measure.splits) for measure in program.measures), default=0.0
    )


def _taken(program: Program, measure: Measure) -> Callable[..., Any]:
    """A measure of one run, as a function of parameters, numbers and examples."""

    def taken(params: Params, hyper: Any, x: Array, y: Array, size: Array) -> Any:
        examples = Examples(x, y, None, 0, size, jnp.int32(1), True)
        apply, function = program.apply_with(hyper), bound(program, measure, hyper, first_seen(program, params, hyper))
        if measure.per_example:
            return examples.sum(lambda tile: tile.sum(function(params, apply, tile)))
        return function(params, apply, examples)

    return taken


def _parameter_bytes(work: Work) -> int:
    return 4 * work.parameters


def _row(shape: ShapeOf) -> int:
    return math.prod(shape[0]) * np.dtype(shape[1]).itemsize


def run_bytes(program: Program, run: Experiment, work: Work) -> int:
    """Bytes of one run's results on the host: records, snapshots and examples exist in parts, then joined, then labelled."""
    records = (program.num_records + 1) * sum(len(measure.splits) for measure in program.measures)
    networks = len(run.snapshots) + (program.keep_best is not None)
    return 3 * (4 * records + networks * _parameter_bytes(work) + _kept_of_examples(program, run))


# Row number, count in the train set, and mark of a corrupted target.
_ROW_BYTES = 4 + 2 + 1


def _kept_of_examples(program: Program, run: Experiment) -> int:
    """Bytes of the values of single examples of one run, and of what is said of every row."""
    if not program.by_example and run.subset is None:
        return 0
    each = sum(
        room_of(run, split) * np.dtype(part.dtype).itemsize for part, split in program.example_variables.values()
    )
    return len(program.example_steps) * each + _ROW_BYTES * run.data_sizes()[0]
