"""Axes of a sweep: from ``over`` to labelled values and to the experiment of every cell."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.fields import is_node, paths, replace, resolve
from memjax.models import as_model

__all__ = ["Axis", "Over", "cells", "full_paths", "read_axes"]

Over = Mapping[str | tuple[str, ...], Iterable[Any]]


@dataclasses.dataclass(frozen=True)
class Axis:
    """Swept fields that move together, with their values.

    Attributes
    ----------
    names
        Fields as the user wrote them.
    rows
        One tuple of values per position, in the order of `names`.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def dim(self) -> str:
        """Name of the dimension: the first field's, without its path."""
        return self.labels[0]

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of every field's coordinate, in the order of `names`."""
        return tuple(name.rpartition(".")[2] for name in self.names)

    def coords(self) -> dict[str, np.ndarray]:
        """Labels of every field along the dimension: numbers as they are, all else as readable text."""
        columns = zip(*self.rows, strict=True)
        return {
            label: _labels(name, list(column))
            for label, name, column in zip(self.labels, self.names, columns, strict=True)
        }


def read_axes(over: Over) -> tuple[Axis, ...]:
    """Read ``over``; raises `InputError` for an empty axis, repeated values, or rows that do not fit their fields."""
    if not isinstance(over, Mapping):
        raise InputError(f"over is {over!r}: give a dict from field names to lists of values.")
    axes = tuple(_axis(_names(names), values) for names, values in over.items())
    seen: list[str] = []
    for axis in axes:
        for name in axis.labels:
            if name in (*seen, "step"):
                raise InputError(
                    f"Two axes would both be labelled {name!r}: sweep one of them, or move them together in a tuple."
                )
            seen.append(name)
        if len(np.unique(axis.coords()[axis.dim])) < len(axis.rows):
            values = axis.coords()[axis.dim].tolist()
            more = ", or name first the field whose values all differ" if len(axis.names) > 1 else ""
            raise InputError(f"The axis {axis.dim!r} has repeated values {values}: give each once{more}.")
    return axes


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
    rows = [_host(value) for value in values]
    if not rows:
        raise InputError(f"The axis {names[0]!r} has no values: give at least one.")
    if len(names) == 1:
        return Axis(names, tuple((row,) for row in rows))
    for row in rows:
        if not isinstance(row, tuple | list) or len(row) != len(names):
            raise InputError(
                f"The axes {list(names)} move together, but got {row!r}: give a tuple of {len(names)} values."
            )
    return Axis(names, tuple(tuple(row) for row in rows))


def _host(value: Any) -> Any:
    """Python's own number for a NumPy or JAX scalar, and tuples for lists, so that experiments stay hashable."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0:
        return tuple(_host(item) for item in value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def cells(
    experiment: Experiment, axes: tuple[Axis, ...], indices: Iterable[tuple[int, ...]] | None = None
) -> Iterator[tuple[tuple[int, ...], Experiment]]:
    """Yield the index and the experiment of every cell of the product, last axis fastest, or of the given ones.

    Whole objects are put in before the fields inside them, so a model axis and a width axis combine, in either order.
    """
    known: dict[Any, list[tuple[int, int, str]]] = {}
    for index in itertools.product(*(range(len(axis.rows)) for axis in axes)) if indices is None else indices:
        values = [
            [axis.rows[i][place] for place in range(len(axis.names))] for axis, i in zip(axes, index, strict=True)
        ]
        # The order and the paths depend only on the kinds of object swept; numbers must not make every cell find them anew.
        kinds = tuple(_kind(value) for row in values for value in row)
        if kinds not in known:
            known[kinds] = _order(experiment, axes, values)
        yield index, replace(experiment, _changes(known[kinds], values))


def full_paths(experiment: Experiment, axes: tuple[Axis, ...]) -> list[tuple[str, ...]]:
    """Full path of every field of every axis, as the first cell has them."""
    found: list[dict[int, str]] = [{} for _ in axes]
    for position, place, path in _order(experiment, axes, [list(axis.rows[0]) for axis in axes]):
        found[position][place] = path
    return [tuple(own[place] for place in range(len(axis.names))) for own, axis in zip(found, axes, strict=True)]


def _kind(value: Any) -> Any:
    """What of a value can change which fields a run has: the types and names inside it."""
    return (type(value), *((path, type(item)) for path, item in paths(value).items())) if is_node(value) else None


def _order(experiment: Experiment, axes: tuple[Axis, ...], values: list[list[Any]]) -> list[tuple[int, int, str]]:
    """Positions of the swept fields from the outside in, with their full paths."""
    waiting = [(i, place, name) for i, axis in enumerate(axes) for place, name in enumerate(axis.names)]
    run, done = experiment, list[tuple[int, int, str]]()
    while waiting:
        found = [(resolve(run, name), i, place, name) for i, place, name in waiting if _present(run, name)]
        if not found:
            # What was put in has the first word: where it is no object of its kind, it has none of the fields either.
            replace(experiment, _changes(done, values))
            resolve(run, waiting[0][2])
        path, i, place, name = min(found, key=lambda item: item[0].count("."))
        done.append((i, place, path))
        # Unchecked, for the fields that are still waiting may be what makes this value fit.
        run = replace(run, _changes(done[-1:], values), checked=False)
        waiting.remove((i, place, name))
    return done


def _changes(order: list[tuple[int, int, str]], values: list[list[Any]]) -> dict[str, Any]:
    """New values of the swept fields of one cell by full path, outer before inner."""
    changes = {path: values[position][place] for position, place, path in order}
    # A model of the user's own has fields once it is wrapped as one.
    return {path: as_model(value) if path == "model" else value for path, value in changes.items()}


def _present(run: Experiment, name: str) -> bool:
    return any(path == name or path.endswith("." + name) for path in paths(run))


def _labels(name: str, column: list[Any]) -> np.ndarray:
    if all(isinstance(value, bool | int | float | np.number) for value in column):
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in column)
        numbers = np.asarray(column, np.uint64 if whole and 2**63 <= max(column) < 2**64 and min(column) >= 0 else None)
        # Whole numbers too large for 64 bits would come back rounded, or as objects.
        if numbers.dtype != object and all(own == value for own, value in zip(numbers.tolist(), column, strict=True)):
            return numbers
    words = [_word(value) for value in column]
    if len(set(words)) < len(words):
        words = [repr(value) for value in column]
    if len(set(words)) < len(words):
        raise InputError(f"The axis {name!r} has values that read the same, {words}: give distinct ones.")
    return np.asarray(words)


def _word(value: Any) -> str:
    """Short readable label: a string itself, widths as 100-100, an object by its name."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "-".join(str(item) for item in value) or "none"
    for attribute in ("name", "__name__"):
        found = getattr(value, attribute, None)
        if isinstance(found, str) and found:
            return found
    return type(value).__name__ if dataclasses.is_dataclass(value) else str(value)
