"""Folds of the value of an example over the records or the presentations of a run, so that no single value need be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from memjax.types import Array

__all__ = ["FOLDS", "Fold"]


class Fold(NamedTuple):
    """A fold: arrays of memory as large as the values, zeros before the first value.

    Attributes
    ----------
    arrays
        Number of arrays in the memory.
    update
        ``(memory, value, step) -> memory`` at a record or a presentation.
    result
        ``memory -> value`` so far.
    text
        What the result is, for labels; the braces stand for the measure, and for ``record`` or ``presentation``.
    keeps_units
        Whether the result has the units of the values.
    """

    arrays: int
    update: Callable[[Any, Array, Array], Any]
    result: Callable[[Any], Array]
    text: str
    keeps_units: bool


def _first(memory: Any, value: Array, step: Array) -> Any:
    (found,) = memory
    return (jnp.where((found == 0) & (value > 0), step.astype(found.dtype), found),)


def _drops(memory: Any, value: Array, step: Array) -> Any:
    count, before = memory
    now = (value > 0).astype(before.dtype)
    return count + ((before > 0) & (now == 0)), now


def _mean(memory: Any, value: Array, step: Array) -> Any:
    total, count = memory
    return total + value, count + 1


FOLDS = {
    "first": Fold(
        1,
        _first,
        lambda memory: jnp.where(memory[0] > 0, memory[0], jnp.nan),
        "step of the first {when} with {what}",
        False,
    ),
    "drops": Fold(2, _drops, lambda memory: memory[0], "number of {when}s that lose {what}", False),
    "mean": Fold(2, _mean, lambda memory: memory[0] / memory[1], "mean over {when}s of {what}", True),
}
"""``first``: step of the first record after step 0 with a positive value, NaN if there is none. ``drops``: how often a
positive value is followed by another at the next record. ``mean``: mean over the records after step 0. Over presentations, read
presentation in place of record: the first one is at step 1."""
