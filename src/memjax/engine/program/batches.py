"""Minibatches of a segment on the device: the order of every run, or the few orders that the runs share."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from memjax.engine.program.program import Program
from memjax.engine.program.segments import longest
from memjax.types import Array

__all__ = ["Batches", "batches_shapes"]


class Batches(NamedTuple):
    """Minibatch rows of a segment.

    Attributes
    ----------
    orders
        ``int32[S, D, B]``: rows of every step, of each of D orders, with room for the longest segment.
    of_run
        ``int32[R]``, the order of each run; None where every run has its own.
    """

    orders: Any
    of_run: Any

    def at(self, step: Any) -> Array:
        """Rows ``[R, B]`` of one step of the segment."""
        rows: Array = self.orders[step]
        if self.of_run is None:
            return rows
        if len(rows) == 1:
            return jnp.broadcast_to(rows, (len(self.of_run), rows.shape[1]))
        return rows[self.of_run]


def batches_shapes(program: Program, records: int, runs: int, orders: int) -> Batches | None:
    """Shape structs of a segment's minibatches; None for full batch, and for fresh examples."""
    if not program.has_order:
        return None
    size: Any = program.batch_size
    rows = jax.ShapeDtypeStruct((longest(program.record_at, records), orders, size), "int32")
    return Batches(rows, None if orders == runs else jax.ShapeDtypeStruct((runs,), "int32"))
