"""Axes of a sweep: from ``over`` to labelled values and to the experiment of every cell."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.fields import paths, replace, resolve

__all__ = ["Axis", "cells", "read_axes"]

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
        return self.names[0].rpartition(".")[2]

    def coords(self) -> dict[str, np.ndarray]:
        """Labels of every field along the dimension: numbers as they are, all else as readable text."""
        columns = zip(*self.rows, strict=True)
        return {
            name.rpartition(".")[2]: _labels(name, list(column))
            for name, column in zip(self.names, columns, strict=True)
        }


def read_axes(over: Over) -> tuple[Axis, ...]:
    """Read ``over``; raises `InputError` for an empty axis, repeated values, or rows that do not fit their fields."""
    axes = tuple(_axis((names,) if isinstance(names, str) else tuple(names), values) for names, values in over.items())
    seen: list[str] = []
    for axis in axes:
        for name in axis.coords():
            if name in (*seen, "step"):
                raise InputError(
                    f"Two axes would both be labelled {name!r}: sweep one of them, or move them together in a tuple."
                )
            seen.append(name)
        if len(np.unique(axis.coords()[axis.dim])) < len(axis.rows):
            raise InputError(
                f"The axis {axis.dim!r} has repeated values {list(axis.coords()[axis.dim])}: give each once."
            )
    return axes


def _axis(names: tuple[str, ...], values: Iterable[Any]) -> Axis:
    if isinstance(values, str) or not isinstance(values, Iterable):
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
    if isinstance(value, list):
        return tuple(_host(item) for item in value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def cells(experiment: Experiment, axes: tuple[Axis, ...]) -> Iterator[tuple[tuple[int, ...], Experiment]]:
    """Yield the index and the experiment of every cell of the product, last axis fastest.

    Whole objects are put in before the fields inside them, so a model axis and a width axis combine.
    """
    # Resolving a name depends only on the objects swept; the numbers would make every cell pay for it anew.
    known: dict[tuple[Any, ...], str] = {}
    flat = [(position, place, name) for position, axis in enumerate(axes) for place, name in enumerate(axis.names)]
    depth = {name: _depth(experiment, name) for _, _, name in flat}
    flat.sort(key=lambda item: depth[item[2]])
    for index in itertools.product(*(range(len(axis.rows)) for axis in axes)):
        run = experiment
        for position, place, name in flat:
            value = axes[position].rows[index[position]][place]
            run = replace(run, _path(run, name, known), value)
        yield index, run


def _path(run: Experiment, name: str, known: dict[tuple[Any, ...], str]) -> str:
    hyper = run.optimizer.hyperparameters
    kinds = tuple(type(value) for value in hyper.values())
    key = (name, type(run.task), type(run.model), run.optimizer.factory, tuple(hyper), kinds)
    if key not in known:
        known[key] = resolve(run, name)
    return known[key]


def _depth(experiment: Experiment, name: str) -> int:
    """Nesting of a field; one that only a swept object has counts as deepest."""
    matches = [path for path in paths(experiment) if path == name or path.endswith("." + name)]
    return min((path.count(".") for path in matches), default=99)


def _labels(name: str, column: list[Any]) -> np.ndarray:
    if all(isinstance(value, bool | int | float | np.number) for value in column) and not any(
        value is None for value in column
    ):
        return np.asarray(column)
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
