"""Minibatches of a segment on the device: the order of every run, or the few orders that the runs share."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from memjax.engine.program.program import Program
from memjax.types import Array

__all__ = ["Batches", "batches_shapes"]


class Batches(NamedTuple):
    """Minibatch rows of a segment.

    Attributes
    ----------
    orders
        ``int32[K, record_every, D, B]``: rows of every step, of each of D orders.
    of_run
        ``int32[R]``, the order of each run; None where every run has its own.
    """

    orders: Any
    of_run: Any

    def at(self, record: Any, step: Any) -> Array:
        """Rows ``[R, B]`` of one step before a record."""
        rows: Array = self.orders[record, step]
        if self.of_run is None:
            return rows
        if len(rows) == 1:
            return jnp.broadcast_to(rows, (len(self.of_run), rows.shape[1]))
        return rows[self.of_run]


def batches_shapes(program: Program, records: int, runs: int, orders: int) -> Batches | None:
    """Shape structs of a segment's minibatches; None for full batch."""
    if program.batch_size is None:
        return None
    rows = jax.ShapeDtypeStruct((records, program.record_every, orders, program.batch_size), "int32")
    return Batches(rows, None if orders == runs else jax.ShapeDtypeStruct((runs,), "int32"))
