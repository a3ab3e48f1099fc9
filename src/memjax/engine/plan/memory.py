"""The estimated memory of a block of runs, before anything is compiled or drawn."""

from __future__ import annotations

import math

import numpy as np

from memjax.engine.plan.cost import Work
from memjax.engine.program.program import Program, ShapeOf
from memjax.engine.program.step import Schedule
from memjax.engine.program.tiles import Shape

__all__ = ["block_bytes", "run_bytes"]


def block_bytes(program: Program, schedule: Schedule, shape: Shape, work: Work, pooled: bool) -> int:
    """Bytes that a block takes during training: data on host and device, states, and the values of a gradient."""
    tiles = shape.train_tiles + shape.test_tiles
    row = (4 if pooled else _row(program.x)) + _row(program.y)
    data = 2 * tiles * shape.width * row
    # The state in the loop, and those that the host passes in and gets back; parameters and gradient as vectors and as trees.
    states = shape.runs * (3 * work.state_bytes + 4 * _parameter_bytes(work))
    # Places of the parameters that are no padding, as a tree and as a vector.
    states += 2 * shape.runs * _parameter_bytes(work) * (program.widths is not None)
    return data + states + _gradient_bytes(program, schedule, shape, work)


def _gradient_bytes(program: Program, schedule: Schedule, shape: Shape, work: Work) -> int:
    """Activations of all tiles that are computed at once; if batched, also parameters and gradient of every tile."""
    at_once = shape.runs if schedule == "streamed" else max(shape.train_tiles, shape.test_tiles)
    # XLA fuses or frees about half of the intermediate values.
    activations = at_once * shape.width * work.activation_bytes / 2
    if program.batch_size is not None:
        activations = max(activations, shape.runs * program.batch_size * work.activation_bytes / 2)
    per_tile = 3 * _parameter_bytes(work) if schedule == "batched" else 0
    return int(activations + at_once * per_tile)


def _parameter_bytes(work: Work) -> int:
    return 4 * work.parameters


def _row(shape: ShapeOf) -> int:
    return math.prod(shape[0]) * np.dtype(shape[1]).itemsize


def run_bytes(program: Program, snapshots: int, work: Work) -> int:
    """Bytes of one run's results on the host: records and snapshots exist in parts, then joined, then labelled."""
    records = (program.num_records + 1) * sum(len(measure.splits) for measure in program.measures)
    return 3 * (4 * records + snapshots * _parameter_bytes(work))
