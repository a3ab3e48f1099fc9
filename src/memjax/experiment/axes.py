"""Axes of a sweep: ``over`` becomes labelled values, and every cell gets its experiment."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from memjax.checks.suggestions import hint
from memjax.checks.values import scalar
from memjax.errors import InputError, listing
from memjax.experiment import Experiment
from memjax.experiment.labels import labels_of
from memjax.fields import is_node, paths, replace
from memjax.models import as_model

__all__ = ["MOST_CELLS", "Axis", "SweptValues", "cells", "check_count", "full_paths", "read_axes", "resolve"]

MOST_CELLS = 10_000_000
"""Largest number of cells in a sweep, a store or a range: a larger plan would not end, or not fit into memory."""

SweptValues = Mapping[str | tuple[str, ...], Iterable[Any]]


@dataclasses.dataclass(frozen=True)
class Axis:
    """Swept fields that move together, with their values.

    Attributes
    ----------
    names
        The swept fields, as the user wrote them.
    rows
        One tuple of values per position, in the order of `names`.
    given
        The user's name of every position; None if the values are their own labels.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    given: tuple[str, ...] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of every field's coordinate, in the order of `names`."""
        return tuple(name.rpartition(".")[2] for name in self.names)

    @property
    def dim(self) -> str:
        """Name of the dimension: the first of the coordinates."""
        return next(iter(self._coords))

    def coords(self) -> dict[str, np.ndarray]:
        """Labels of every coordinate along the axis; the coordinate of the dimension comes first.

        A single field is the dimension, labelled by its values or by the user's names. Of several fields, the first whose
        values all differ is the dimension. If there is no such field, or if the user gave names, the dimension is called by
        the joined names of all fields, and its labels are the user's names or the positions.
        """
        return self._coords

    @functools.cached_property
    def _coords(self) -> dict[str, np.ndarray]:
        if self.given is not None and len(self.names) == 1:
            return {self.labels[0]: np.asarray(self.given)}
        columns = zip(*self.rows, strict=True)
        columns_by_label = {
            label: labels_of(name, list(column))
            for label, name, column in zip(self.labels, self.names, columns, strict=True)
        }
        if len(self.names) == 1:
            return columns_by_label
        if self.given is not None:
            return {"_".join(self.labels): np.asarray(self.given), **columns_by_label}
        distinct = next(
            (label for label, column in columns_by_label.items() if len(np.unique(column)) == len(column)), None
        )
        if distinct is None:
            return {"_".join(self.labels): np.arange(len(self.rows)), **columns_by_label}
        return {distinct: columns_by_label.pop(distinct), **columns_by_label}


def read_axes(over: SweptValues) -> tuple[Axis, ...]:
    """Read ``over``; raises `InputError` for an empty axis, repeated values, or rows that do not fit their fields."""
    if not isinstance(over, Mapping):
        raise InputError(f"over is {over!r}: give a dict from field names to lists of values.")
    axes = tuple(_axis(_names(names), values) for names, values in over.items())
    check_count("The axes", [len(axis.rows) for axis in axes])
    seen: list[str] = []
    for axis in axes:
        coords = axis.coords()
        for name in [*coords, *_repeated(axis.labels)]:
            if name == "step":
                raise InputError(
                    "An axis is labelled 'step', which counts the updates of a run: their number is the field steps, and a "
                    "field of your own needs another name."
                )
            if name in seen:
                raise InputError(
                    f"Two axes would both be labelled {name!r}: sweep one of them, or move them together in a tuple."
                )
            seen.append(name)
        _check_distinct(axis, coords)
    return axes


def _repeated(labels: tuple[str, ...]) -> list[str]:
    """Labels that occur more than once."""
    return [label for i, label in enumerate(labels) if label in labels[:i]]


def _check_distinct(axis: Axis, coords: dict[str, np.ndarray]) -> None:
    """Raise `InputError` where two positions of an axis are equal."""
    values = coords[axis.dim].tolist()
    if len(set(values)) < len(values):
        what = "values that read the same," if coords[axis.dim].dtype.kind == "U" else "repeated values"
        raise InputError(f"The axis {axis.dim!r} has {what} {values}: give each once.")
    rows = list(zip(*(coords[label].tolist() for label in axis.labels if label in coords), strict=True))
    if len(axis.names) > 1 and len(set(rows)) < len(rows):
        again = next(row for row in rows if rows.count(row) > 1)
        raise InputError(f"The axis {axis.dim!r} has the values {again} more than once: give each once.")


def check_count(what: str, sizes: Sequence[int]) -> None:
    """Raise `InputError` for a product of axes that is too large to plan.

    Examples
    --------
    >>> check_count("The axes", [10, 1000])
    """
    if math.prod(sizes) > MOST_CELLS:
        product = " x ".join(map(str, sizes))
        raise InputError(
            f"{what} have {product} = {math.prod(sizes):,} cells, more than the {MOST_CELLS:,} that a sweep may have: sweep "
            "over fewer values, let fields move together in a tuple, or make several sweeps."
        )


def _names(names: Any) -> tuple[str, ...]:
    several = (names,) if isinstance(names, str) else names
    if not isinstance(several, tuple) or not several or not all(isinstance(name, str) for name in several):
        raise InputError(
            f"The axis {names!r} is not named: use a field's name, or a tuple of names that move together."
        )
    return several


def _axis(names: tuple[str, ...], values: Iterable[Any]) -> Axis:
    if isinstance(values, str) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise InputError(f"The axis {names[0]!r} has the values {values!r}: give a list of values.")
    given = _given_names(names[0], values) if isinstance(values, Mapping) else None
    # The values may be an endless iterator, and one value too many is enough to refuse them.
    first = itertools.islice(values.values() if isinstance(values, Mapping) else values, MOST_CELLS + 1)
    rows = [_host_value(names[0], value) for value in first]
    if len(rows) > MOST_CELLS:
        raise InputError(f"The axis {names[0]!r} has more than {MOST_CELLS:,} values: give fewer.")
    if not rows:
        raise InputError(f"The axis {names[0]!r} has no values: give at least one.")
    if len(names) == 1:
        return Axis(names, tuple((row,) for row in rows), given)
    for row in rows:
        if not isinstance(row, tuple | list) or len(row) != len(names):
            raise InputError(
                f"The axes {list(names)} move together, but got {row!r}: give a tuple of {len(names)} values."
            )
    return Axis(names, tuple(tuple(row) for row in rows), given)


def _given_names(axis: str, values: Mapping[Any, Any]) -> tuple[str, ...]:
    for name in values:
        if not isinstance(name, str) or not name:
            raise InputError(f"The axis {axis!r} names a value {name!r}: give every value a name that is text.")
    return tuple(values)


def _host_value(axis: str, value: Any) -> Any:
    """Replace NumPy and JAX scalars by Python numbers, and lists by tuples, so that experiments stay hashable."""
    if isinstance(value, jax.core.Tracer):
        raise InputError(
            f"The axis {axis!r} has a value that is being traced ({value!r}), so that it is no number yet: call memjax outside "
            "of jax.jit, jax.vmap and jax.grad, for it compiles by itself."
        )
    if isinstance(value, list | tuple | range) or getattr(value, "ndim", 0) > 0:
        return tuple(_host_value(axis, item) for item in value)
    return scalar(value)


def cells(
    experiment: Experiment, axes: tuple[Axis, ...], indices: Iterable[tuple[int, ...]] | None = None
) -> Iterator[tuple[tuple[int, ...], Experiment]]:
    """Yield the index and the experiment of every cell, last axis fastest, or of the cells at ``indices``.

    Objects are replaced before the fields inside them, so an axis of models and an axis of widths combine, in either order.
    """
    known: dict[Any, list[tuple[int, int, str]]] = {}
    for index in itertools.product(*(range(len(axis.rows)) for axis in axes)) if indices is None else indices:
        values = [
            [axis.rows[i][place] for place in range(len(axis.names))] for axis, i in zip(axes, index, strict=True)
        ]
        # Order and paths depend only on the kinds of the swept objects, so cells that differ in numbers share them.
        kinds = tuple(_kind(value) for row in values for value in row)
        if kinds not in known:
            known[kinds] = _order(experiment, axes, values)
        yield index, replace(experiment, _changes(known[kinds], values))


def resolve(node: Any, name: str) -> str:
    """Full path of a field given by dotted path or by an unambiguous short name.

    Raises
    ------
    InputError
        If no field or more than one field has that name; the message lists the candidates.

    Examples
    --------
    >>> resolve(Experiment(), "learning_rate")
    'optimizer.learning_rate'
    """
    known = paths(node)
    if name in known:
        return name
    matches = [path for path in known if path.endswith("." + name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(f"The axis {name!r} is ambiguous: write {listing(sorted(matches))} in full.")
    raise InputError(
        f"There is no field {name!r} to sweep.{hint(name, known)} The fields are {listing(sorted(known))}."
    )


def full_paths(experiment: Experiment, axes: tuple[Axis, ...]) -> list[tuple[str, ...]]:
    """Full path of every field of every axis, found in the first cell."""
    found: list[dict[int, str]] = [{} for _ in axes]
    for position, place, path in _order(experiment, axes, [list(axis.rows[0]) for axis in axes]):
        found[position][place] = path
    return [tuple(places[place] for place in range(len(axis.names))) for places, axis in zip(found, axes, strict=True)]


def _kind(value: Any) -> Any:
    """The types and names inside a value: they decide which fields a run has."""
    return (type(value), *((path, type(item)) for path, item in paths(value).items())) if is_node(value) else None


def _order(experiment: Experiment, axes: tuple[Axis, ...], values: list[list[Any]]) -> list[tuple[int, int, str]]:
    """Positions of the swept fields, outer fields before inner ones, with their full paths."""
    waiting = [(i, place, name) for i, axis in enumerate(axes) for place, name in enumerate(axis.names)]
    run, done = experiment, list[tuple[int, int, str]]()
    while waiting:
        found = [(resolve(run, name), i, place, name) for i, place, name in waiting if _present(run, name)]
        if not found:
            # A replaced object of the wrong kind explains the missing field better, so its error comes first.
            replace(experiment, _changes(done, values))
            resolve(run, waiting[0][2])
        path, i, place, name = min(found, key=lambda item: item[0].count("."))
        done.append((i, place, path))
        # Unchecked: this value may be valid only together with the fields that still wait.
        run = replace(run, _changes(done[-1:], values), checked=False)
        waiting.remove((i, place, name))
    return done


def _changes(order: list[tuple[int, int, str]], values: list[list[Any]]) -> dict[str, Any]:
    """New values of the swept fields of one cell, by full path, outer fields before inner ones."""
    changes = {path: values[position][place] for position, place, path in order}
    # Wrap a user's model now, because only the wrapped model has fields.
    return {path: as_model(value) if path == "model" else value for path, value in changes.items()}


def _present(run: Experiment, name: str) -> bool:
    return any(path == name or path.endswith("." + name) for path in paths(run))
