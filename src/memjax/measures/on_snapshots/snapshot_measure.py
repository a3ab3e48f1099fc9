"""What a measure of one snapshot is: a function of the snapshot, and the labels of the values that the function gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import xarray as xr

__all__ = ["SnapshotMeasure", "Variable"]


class Variable(NamedTuple):
    """Labels of one value.

    Attributes
    ----------
    long_name, units
        For the labels of plots; units ``1`` for pure numbers.
    dims
        Names of the dimensions of the value; none for a single number.
    """

    long_name: str
    units: str = "1"
    dims: tuple[str, ...] = ()


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

    Examples
    --------
    >>> def outputs(snapshot):
    ...     return {"largest": 3.0, "mean": [1.0, 2.0]}, {"layer": ["layer_0", "layer_1"]}
    >>> taken = SnapshotMeasure(outputs, {"largest": Variable("largest output"), "mean": Variable("mean", dims=("layer",))})
    >>> {name: value.dims for name, value in taken(None).items()}
    {'largest': (), 'mean': ('layer',)}
    """

    function: Callable[[Any], tuple[Mapping[str, Any], Mapping[str, Any]]]
    variables: Mapping[str, Variable] = field(repr=False, compare=False)

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
