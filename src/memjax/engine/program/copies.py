"""Which train examples of a block are copies of one row, so that the presentations of all copies are those of the row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.engine.program.program import Program
from memjax.random.minibatches import copy_of

__all__ = ["Copies", "copies_of", "copies_shapes"]


class Copies(NamedTuple):
    """Copies among the packed train examples of a block.

    Attributes
    ----------
    home
        ``int32[T, B]``, place of the first copy among all ``T * B`` places; ``T * B`` in padding.
    number
        ``int32[T, B]``, how many copies of the row stand before it in its train set.
    most
        ``int32``, the most copies of any row.
    """

    home: Any
    number: Any
    most: Any


def copies_of(
    program: Program, picked: Sequence[np.ndarray | None], begins: Iterable[int], room: tuple[int, int]
) -> Copies | None:
    """Copies among the train examples of all runs; None for a program in which no row is repeated.

    Parameters
    ----------
    program
        The program of the runs.
    picked
        Positions in its data set of the train examples of each run.
    begins
        Place of the first example of each run.
    room
        Number and width of the tiles.
    """
    if not program.repeats:
        return None
    beyond = math.prod(room)
    home, number = np.full(beyond, beyond, np.int32), np.zeros(beyond, np.int32)
    for places, begin in zip(picked, begins, strict=True):
        assert places is not None, "Only runs with a subset repeat rows."
        own = slice(begin, begin + len(places))
        _, first, which = np.unique(places, return_index=True, return_inverse=True)
        home[own], number[own] = begin + first[which], copy_of(places)
    return Copies(home.reshape(room), number.reshape(room), np.int32(1 + number.max(initial=0)))


def copies_shapes(program: Program, room: tuple[int, int]) -> Copies | None:
    """Shape structs of the copies."""
    if not program.repeats:
        return None
    each = jax.ShapeDtypeStruct(room, "int32")
    return Copies(each, each, jax.ShapeDtypeStruct((), "int32"))
