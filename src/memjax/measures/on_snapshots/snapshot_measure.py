"""What a measure of one snapshot is: a function of the snapshot, and the labels of the values that the function gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import xarray as xr

from memjax.errors import InputError
from memjax.measures.values import Values

__all__ = ["SnapshotMeasure", "Variable"]


class Variable(NamedTuple):
    """Labels of one value.

    Attributes
    ----------
    long_name, units
        For the labels of plots; units ``1`` for pure numbers.
    dims
        Names of the dimensions of the value; none for a single number.

    Examples
    --------
    >>> spread = Variable("spread of the outputs", units="logits", dims=("layer",))
    >>> SnapshotMeasure(lambda snapshot: ({"spread": [1.0, 2.0]}, {}), {"spread": spread})(None)["spread"].attrs
    {'long_name': 'spread of the outputs', 'units': 'logits'}
    """

    long_name: str
    units: str = "1"
    dims: tuple[str, ...] = ()


Found: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Values by name, and labels by dimension."""


@dataclass(frozen=True)
class SnapshotMeasure:
    """A function of one snapshot, with the words that label its values; `memjax.measure` takes it on every snapshot.

    Attributes
    ----------
    function
        From a `memjax.Snapshot` to two dicts: the values by the names in ``variables``, and labels by dimension. A dimension
        without an entry has no labels. If the function is a frozen dataclass with ``__call__``, the repr of the measure shows
        its settings.
    variables
        Labels of every value by its name, in the order of the result.
    on_batch
        The same function of a list of snapshots, for many networks in less time; None calls ``function`` for each snapshot.
        The snapshots have models that differ in traced numbers alone, equal tasks, and equal numbers of train and test
        examples. Every value has one more axis ``[S]`` in front, of the snapshots in their order; labels are of all of them.

    Examples
    --------
    >>> def outputs(snapshot):
    ...     return {"largest": 3.0, "mean": [1.0, 2.0]}, {"layer": ["layer_0", "layer_1"]}
    >>> taken = SnapshotMeasure(outputs, {"largest": Variable("largest output"), "mean": Variable("mean", dims=("layer",))})
    >>> {name: value.dims for name, value in taken(None).items()}
    {'largest': (), 'mean': ('layer',)}
    """

    function: Callable[[Any], Found]
    variables: Mapping[str, Variable] = field(repr=False, compare=False)
    on_batch: Callable[[Sequence[Any]], Found] | None = field(default=None, repr=False, compare=False)

    def __call__(self, snapshot: Any) -> dict[str, xr.DataArray]:
        """Values of one snapshot by name."""
        values, labels = self.function(snapshot)
        return {
            name: xr.DataArray(
                values[name],
                {dim: labels[dim] for dim in about.dims if dim in labels},
                about.dims,
                attrs={"long_name": about.long_name, "units": about.units},
            )
            for name, about in self.variables.items()
        }

    def of_batch(self, snapshots: Sequence[Any]) -> list[dict[str, Values]]:
        """Values of several snapshots of one structure, by name, one dict for each.

        Raises
        ------
        InputError
            If ``on_batch`` gives a value without the axis of the snapshots.

        Examples
        --------
        >>> def width(snapshots):
        ...     return {"width": [len(snapshot) for snapshot in snapshots]}, {}
        >>> taken = SnapshotMeasure(lambda snapshot: width([snapshot]), {"width": Variable("width")}, width)
        >>> [one["width"].array.tolist() for one in taken.of_batch(["ab", "cde"])]
        [2, 3]
        """
        if self.on_batch is None:
            raise InputError(f"{self!r} has no on_batch: call it with one snapshot after another.")
        values, labels = self.on_batch(snapshots)
        arrays = {name: np.asarray(values[name]) for name in self.variables}
        for name, array in arrays.items():
            if array.shape[:1] != (len(snapshots),):
                raise InputError(
                    f"{self!r} gave {name!r} of shape {list(array.shape)} for {len(snapshots)} snapshots: on_batch must give "
                    f"[{len(snapshots)}, ...], an entry for each."
                )
        return [
            {name: self._values(name, array[k], labels) for name, array in arrays.items()}
            for k in range(len(snapshots))
        ]

    def _values(self, name: str, array: np.ndarray, labels: Mapping[str, Any]) -> Values:
        about = self.variables[name]
        own = {dim: labels[dim] for dim in about.dims if dim in labels}
        return Values(about.dims, array, own, {"long_name": about.long_name, "units": about.units})
