"""Axes as a store writes them: those of two calls merged, and cells of one found among those of another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memjax.engine.axes import Axis
from memjax.engine.labels import exact_numbers
from memjax.errors import InputError
from memjax.spec import decode, encode
from memjax.store.manifest import AxisEntry

__all__ = ["as_axis", "coordinates", "count", "entry_of", "merged", "shape_of", "translate"]


def shape_of(axes: Sequence[AxisEntry]) -> tuple[int, ...]:
    """Values of each axis."""
    return tuple(len(axis.values) for axis in axes)


def entry_of(axis: Axis, paths: tuple[str, ...] | None = None) -> AxisEntry:
    """An axis of a call as a store writes it; ``paths`` are its fields in full."""
    values = tuple(encode(row if len(row) > 1 else row[0]) for row in axis.rows)
    return AxisEntry(
        axis.names, paths or axis.names, values, {name: labels.tolist() for name, labels in axis.coords().items()}
    )


def coordinates(axes: Sequence[AxisEntry]) -> list[dict[str, np.ndarray]]:
    """Labels of every coordinate of every axis."""
    return [{name: _array(column) for name, column in axis.labels.items()} for axis in axes]


def _array(column: list[Any]) -> np.ndarray:
    """Numbers as the sweep has them in memory; words where no array holds all of them exactly."""
    numbers = exact_numbers(column)
    return np.asarray(list(map(str, column))) if numbers is None else numbers


def merged(theirs: AxisEntry, ours: AxisEntry, rows: Sequence[tuple[Any, ...]]) -> AxisEntry:
    """An axis with the values of both: in our order if we have all of theirs, else theirs first.

    A new value that would have the label of an old one is labelled by its repr.

    Raises
    ------
    InputError
        If two different values have the same label even so, or one of theirs is of files that have changed since.
    """
    if set(theirs.keys) <= set(ours.keys):
        return ours
    # Before anything is written: a value whose files have changed cannot be made any more.
    as_axis(theirs, ours, rows)
    new = [i for i, name in enumerate(ours.keys) if name not in set(theirs.keys)]
    labels = {}
    for place, (name, column) in enumerate(theirs.labels.items()):
        fresh = [ours.labels[name][i] for i in new]
        if place == 0 and set(fresh) & set(column):
            fresh = [repr(rows[i][place]) for i in new]
        labels[name] = _column(column, fresh)
    dim = next(iter(labels))
    if len(set(labels[dim])) < len(labels[dim]):
        raise InputError(
            f"The axis {dim!r} would have the labels {labels[dim]} in the store, one of them twice: give what is new "
            "another name."
        )
    return AxisEntry(theirs.names, theirs.paths, (*theirs.values, *(ours.values[i] for i in new)), labels)


def _column(old: list[Any], new: list[Any]) -> list[Any]:
    both = [*old, *new]
    return both if exact_numbers(both) is not None else [str(label) for label in both]


def as_axis(entry: AxisEntry, ours: AxisEntry, rows: Sequence[tuple[Any, ...]]) -> Axis:
    """An axis of the store as objects: those of the call where it has them, else made from what is written.

    A value that cannot be made from plain data stands for itself, and is refused where it is used.
    """
    known = dict(zip(ours.keys, rows, strict=True))
    found = [
        known.get(name) or _made(value, len(entry.names)) for name, value in zip(entry.keys, entry.values, strict=True)
    ]
    return Axis(entry.names, tuple(found))


def _made(value: Any, names: int) -> tuple[Any, ...]:
    made = decode(value) if not _refers(value) else value
    return tuple(made) if names > 1 else (made,)


def _refers(value: Any) -> bool:
    """Whether a value refers to something that is not data."""
    if isinstance(value, Mapping):
        return set(value) == {"reference"} or any(_refers(item) for item in value.values())
    return isinstance(value, list) and any(_refers(item) for item in value)


def translate(cells: np.ndarray, old: Sequence[AxisEntry], new: Sequence[AxisEntry]) -> np.ndarray:
    """Flat indices of cells along some axes as those along others of the same names, in any order; -1 where there is none."""
    if not old:
        return cells
    along = dict(zip([axis.paths for axis in old], np.unravel_index(cells, shape_of(old)), strict=True))
    keys = {axis.paths: axis.keys for axis in old}
    places = []
    for axis in new:
        where = {name: i for i, name in enumerate(axis.keys)}
        places.append(np.array([where.get(name, -1) for name in keys[axis.paths]])[along[axis.paths]])
    missing = np.any([place < 0 for place in places], axis=0)
    flat = np.ravel_multi_index([np.maximum(place, 0) for place in places], shape_of(new))
    return np.where(missing, -1, flat)


def count(axes: Sequence[AxisEntry]) -> int:
    """Cells of some axes."""
    return math.prod(shape_of(axes))
