"""Axes as a store writes them: those of two calls merged, and cells of one found among those of another."""

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
    """Values of each axis."""
    return tuple(len(axis.values) for axis in axes)


def coordinates(axes: Sequence[AxisEntry]) -> list[dict[str, np.ndarray]]:
    """Labels of every coordinate of every axis."""
    return [{name: _array(column) for name, column in axis.labels.items()} for axis in axes]


def _array(column: list[Any]) -> np.ndarray:
    """Numbers as the sweep has them in memory; words where no array holds all of them exactly."""
    numbers = exact_numbers(column)
    return np.asarray(list(map(str, column))) if numbers is None else numbers


def merged(theirs: AxisEntry, ours: AxisEntry, rows: Sequence[tuple[Any, ...]]) -> AxisEntry:
    """An axis with the values of both: in our order if we have all of theirs, else theirs first.

    A new value that would have the label of an old one is labelled by its repr, or by its name and digest.

    Raises
    ------
    InputError
        If two different values have the same label even so, or one of theirs is of files that have changed since.
    """
    if set(theirs.keys) <= set(ours.keys):
        return ours
    # Before anything is written: a value whose files have changed cannot be made any more.
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
    # Words that were chosen among fewer values may be others among all of them, so they are kept as names.
    named = any(isinstance(label, str) for label in labels[dim])
    return AxisEntry(theirs.names, theirs.paths, values, labels, named)


def _merged_labels(
    theirs: AxisEntry, ours: AxisEntry, new: Sequence[int], rows: Sequence[tuple[Any, ...]]
) -> dict[str, list[Any]]:
    """Labels of the values of a store, and after them those of the new values of a call, by coordinate."""
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
    """An axis of the store as objects: those of the call where it has them, else made from what is written.

    A value that cannot be made from plain data stands for itself, and is refused where it is used.
    """
    known = dict(zip(ours.keys, rows, strict=True))
    found = [
        known.get(name) or _made(value, len(entry.names)) for name, value in zip(entry.keys, entry.values, strict=True)
    ]
    return Axis(entry.names, tuple(found), tuple(next(iter(entry.labels.values()))) if entry.named else None)


def _made(value: Any, names: int) -> tuple[Any, ...]:
    made = decode(value) if not _refers(value) else value
    return tuple(made) if names > 1 else (made,)


def _refers(value: Any) -> bool:
    """Whether a value refers to something that is not data."""
    if isinstance(value, Mapping):
        return "reference" in value or any(_refers(item) for item in value.values())
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
