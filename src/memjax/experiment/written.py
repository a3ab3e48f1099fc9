"""A request as stores and Datasets keep it: plain data for the fields and the axes, and the user's objects beside them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from memjax.experiment.axes import Axis, full_paths
from memjax.experiment.encode import encode, encoded_fields
from memjax.experiment.experiment import Experiment
from memjax.experiment.identity import key

__all__ = ["AxisEntry", "Written", "written"]


@dataclass(frozen=True)
class AxisEntry:
    """An axis: fields that move together, values as a spec writes them, and the labels of every coordinate.

    Attributes
    ----------
    names, paths
        Fields as the user wrote them, and in full.
    values, labels
        One per place; the first label is that of the dimension.
    named
        Whether the dimension is labelled by names of the user's own, or of the store's, instead of by the values.
    """

    names: tuple[str, ...]
    paths: tuple[str, ...]
    values: tuple[Any, ...]
    labels: dict[str, list[Any]]
    named: bool = False

    @functools.cached_property
    def keys(self) -> list[str]:
        """What tells the values apart."""
        return [key(value) for value in self.values]


class Written(NamedTuple):
    """A request as plain data.

    Attributes
    ----------
    fields
        Every field of the experiment.
    axes
        Every axis, with its fields in full.
    objects
        The user's own objects that both refer to.
    """

    fields: dict[str, Any]
    axes: tuple[AxisEntry, ...]
    objects: tuple[Any, ...]


def written(experiment: Experiment, axes: Sequence[Axis]) -> Written:
    """Write a request down as it is now: files, and what functions use, may change while runs are trained.

    Examples
    --------
    >>> from memjax.experiment.axes import read_axes
    >>> request = written(Experiment(steps=20), read_axes({"learning_rate": [0.1, 0.01]}))
    >>> request.fields["steps"], request.axes[0].paths, request.axes[0].values
    (20, ('optimizer.learning_rate',), (0.1, 0.01))
    """
    objects: list[Any] = []
    full = full_paths(experiment, tuple(axes))
    entries = tuple(_entry(axis, paths, objects) for axis, paths in zip(axes, full, strict=True))
    return Written(encoded_fields(experiment, objects), entries, tuple(objects))


def _entry(axis: Axis, paths: tuple[str, ...], objects: list[Any]) -> AxisEntry:
    values = tuple(encode(row if len(row) > 1 else row[0], objects) for row in axis.rows)
    labels = {name: column.tolist() for name, column in axis.coords().items()}
    return AxisEntry(axis.names, paths, values, labels, axis.given is not None)
