"""Axes as a store writes them: merging the axes of two calls, and translating the cells of one call to another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memjax.errors import InputError
from memjax.experiment.axes import Axis
from memjax.experiment.decode import decode
from memjax.experiment.labels import distinct_label, exact_numbers
from memjax.experiment.written import AxisEntry

__all__ = ["as_axis", "coordinates", "count", "merged", "shape_of", "translate"]


def shape_of(axes: Sequence[AxisEntry]) -> tuple[int, ...]:
    """Number of values of each axis."""
    return tuple(len(axis.values) for axis in axes)


def coordinates(axes: Sequence[AxisEntry]) -> list[dict[str, np.ndarray]]:
    """Labels of every coordinate of every axis."""
    return [{name: _array(column) for name, column in axis.labels.items()} for axis in axes]


def _array(column: list[Any]) -> np.ndarray:
    """Labels as an array: numbers if an array can hold all of them exactly, else strings."""
    numbers = exact_numbers(column)
    return np.asarray(list(map(str, column))) if numbers is None else numbers


def merged(theirs: AxisEntry, ours: AxisEntry, rows: Sequence[tuple[Any, ...]]) -> AxisEntry:
    """An axis with the values of the store and of the call.

    The values are in the order of the call if it has all values of the store; else the values of the store come first. A
    new value whose label is taken by an old value gets its repr as label, or its name and digest.

    Raises
    ------
    InputError
        If two different values still have the same label, or the files of one of the store's values have changed.
    """
    if set(theirs.keys) <= set(ours.keys):
        return ours
    # Raises for a value whose files have changed, before anything is written.
    as_axis(theirs, ours, rows)
    known = set(theirs.keys)
    new = [i for i, name in enumerate(ours.keys) if name not in known]
    values = *theirs.values, *(ours.values[i] for i in new)
    labels = _merged_labels(theirs, ours, new, [rows[i] for i in new])
    dim = next(iter(labels))
    if len(set(labels[dim])) < len(labels[dim]):
        raise InputError(
            f"The axis {dim!r} would have the labels {labels[dim]} in the store, one of them twice: give what is new "
            "another name."
        )
    # Text labels depend on all values of an axis. Keep the old ones as names, so that new values do not change them.
    named = any(isinstance(label, str) for label in labels[dim])
    return AxisEntry(theirs.names, theirs.paths, values, labels, named)


def _merged_labels(
    theirs: AxisEntry, ours: AxisEntry, new: Sequence[int], rows: Sequence[tuple[Any, ...]]
) -> dict[str, list[Any]]:
    """Labels by coordinate: of the values of the store, then of the new values of the call."""
    fields = [name.rpartition(".")[2] for name in theirs.names]
    fresh = {name: [column[i] for i in new] for name, column in ours.labels.items()}
    if len(fields) == 1 and not ours.named and set(fresh[fields[0]]) & set(theirs.labels[fields[0]]):
        fresh[fields[0]] = [distinct_label(row[0]) for row in rows]
    columns = {field: _column(theirs.labels[field], fresh[field]) for field in fields}
    dim, joined = next(iter(theirs.labels)), "_".join(fields)
    if len(fields) == 1 or (dim in fields and len(set(columns[dim])) == len(columns[dim])):
        return {dim: columns.pop(dim), **columns}
    if theirs.named and ours.named:
        return {joined: _column(theirs.labels[joined], fresh[joined]), **columns}
    return {joined: list(range(len(columns[fields[0]]))), **columns}


def _column(old: list[Any], new: list[Any]) -> list[Any]:
    both = [*old, *new]
    return both if exact_numbers(both) is not None else [str(label) for label in both]


def as_axis(entry: AxisEntry, ours: AxisEntry, rows: Sequence[tuple[Any, ...]]) -> Axis:
    """An axis of the store as objects: the objects of the call if it has them, else objects decoded from the store.

    A value that cannot be decoded stays as plain data, and is refused when it is used.
    """
    known = dict(zip(ours.keys, rows, strict=True))
    found = [
        known.get(name) or _decoded_row(value, len(entry.names))
        for name, value in zip(entry.keys, entry.values, strict=True)
    ]
    return Axis(entry.names, tuple(found), tuple(next(iter(entry.labels.values()))) if entry.named else None)


def _decoded_row(value: Any, names: int) -> tuple[Any, ...]:
    made = decode(value) if not _refers(value) else value
    return tuple(made) if names > 1 else (made,)


def _refers(value: Any) -> bool:
    """Whether an encoded value contains a reference to a user's object."""
    if isinstance(value, Mapping):
        return "reference" in value or any(_refers(item) for item in value.values())
    return isinstance(value, list) and any(_refers(item) for item in value)


def translate(cells: np.ndarray, old: Sequence[AxisEntry], new: Sequence[AxisEntry]) -> np.ndarray:
    """Translate flat indices of cells along ``old`` axes to ``new`` axes of the same fields; -1 for cells that new lacks."""
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
    """Number of cells."""
    return math.prod(shape_of(axes))
