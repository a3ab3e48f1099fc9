"""A request as stores and Datasets keep it: plain data for fields and axes, and the user's objects in memory."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from memjax.experiment.axes import Axis, full_paths
from memjax.experiment.encode import encode, encoded_fields
from memjax.experiment.experiment import Experiment
from memjax.experiment.identity import key

__all__ = ["AxisEntry", "EncodedRequest", "encode_request"]


@dataclass(frozen=True)
class AxisEntry:
    """An axis as plain data: its fields, its encoded values, and the labels of every coordinate.

    Attributes
    ----------
    names, paths
        Swept fields as the user wrote them, and their full paths.
    values, labels
        Encoded values by position; labels by coordinate, the dimension first.
    named
        Whether names, of the user or of the store, label the dimension instead of the values.
    """

    names: tuple[str, ...]
    paths: tuple[str, ...]
    values: tuple[Any, ...]
    labels: dict[str, list[Any]]
    named: bool = False

    @functools.cached_property
    def keys(self) -> list[str]:
        """Canonical text of every value."""
        return [key(value) for value in self.values]


class EncodedRequest(NamedTuple):
    """A request as plain data.

    Attributes
    ----------
    fields
        Every field of the experiment.
    axes
        Every axis.
    objects
        The user's objects to which fields and axes refer.
    """

    fields: dict[str, Any]
    axes: tuple[AxisEntry, ...]
    objects: tuple[Any, ...]


def encode_request(experiment: Experiment, axes: Sequence[Axis]) -> EncodedRequest:
    """Encode a request now: files and the values that functions use may change during training.

    Examples
    --------
    >>> from memjax.experiment.axes import read_axes
    >>> request = encode_request(Experiment(steps=20), read_axes({"learning_rate": [0.1, 0.01]}))
    >>> request.fields["steps"], request.axes[0].paths, request.axes[0].values
    (20, ('optimizer.learning_rate',), (0.1, 0.01))
    """
    objects: list[Any] = []
    full = full_paths(experiment, tuple(axes))
    entries = tuple(_entry(axis, paths, objects) for axis, paths in zip(axes, full, strict=True))
    return EncodedRequest(encoded_fields(experiment, objects), entries, tuple(objects))


def _entry(axis: Axis, paths: tuple[str, ...], objects: list[Any]) -> AxisEntry:
    values = tuple(encode(row if len(row) > 1 else row[0], objects) for row in axis.rows)
    labels = {name: column.tolist() for name, column in axis.coords().items()}
    return AxisEntry(axis.names, paths, values, labels, axis.given is not None)
