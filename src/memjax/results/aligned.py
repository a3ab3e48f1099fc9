"""Values per network as one Dataset, aligned with the runs and snapshots of the Dataset of the sweep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from memjax.checks.shares import mark_shares
from memjax.engine.program.outcome import RESERVED
from memjax.errors import InputError
from memjax.measures.values import Values
from memjax.results.best import holds_best
from memjax.results.schema import coordinate_attrs

__all__ = ["Row", "aligned"]


class Row(NamedTuple):
    """Values of one run at one snapshot, by name: numbers, pairs ``(dims, array)``, DataArrays, or `Values`."""

    run: dict[str, Any]
    step: int
    values: list[tuple[str, Any]]


def aligned(dataset: xr.Dataset, rows: Sequence[Row]) -> xr.Dataset:
    """Dataset of the rows' values along the runs and snapshots of ``dataset``; NaN where there is no row.

    Raises
    ------
    InputError
        If there are no rows, a name occurs twice, a value is neither a number nor an array with dimensions, or runs differ
        in dimensions or in kinds of labels.
    """
    if not rows:
        kind = "best network" if holds_best(dataset) else "snapshot"
        raise InputError(f"The dataset holds no {kind} of any of its runs.")
    axes = [str(dim) for dim in dataset["parameters"].dims if dim not in ("snapshot", "parameter_index")]
    # The best network of a run has a step of its own, and no place among snapshots.
    lead = tuple(axes) if holds_best(dataset) else (*axes, "snapshot")
    names = [name for name, coord in dataset.coords.items() if set(coord.dims) <= set(axes) and name != "snapshot"]
    coords: dict[Any, Any] = {name: dataset[name].variable for name in names}
    if "snapshot" in lead:
        coords["snapshot"] = ("snapshot", np.atleast_1d(dataset["snapshot"].values), coordinate_attrs("snapshot"))
    out = xr.Dataset(coords=coords, attrs=dataset.attrs)
    positions = {dim: {label: i for i, label in enumerate(out[dim].values.tolist())} for dim in lead}
    places = [tuple(positions[dim][{**row.run, "snapshot": row.step}[dim]] for dim in lead) for row in rows]
    read = [_read(row, {*RESERVED, *map(str, out.coords)}) for row in rows]
    labels = _labels(value for values in read for value in values.values())
    out = out.assign_coords({dim: found for dim, found in labels.items() if not isinstance(found, int)})
    for name in dict.fromkeys(name for values in read for name in values):
        if name in labels:
            raise InputError(f"{name!r} is the name of a measure and of a dimension: rename one of them.")
        cells = [(place, values[name]) for place, values in zip(places, read, strict=True) if name in values]
        out[name] = _variable(out, lead, cells, labels)
    return mark_shares(out)


def _read(row: Row, taken: set[str]) -> dict[str, Values]:
    found: dict[str, Values] = {}
    for name, value in row.values:
        if name in found or name in taken:
            raise InputError(f"Two things would be named {name!r}: give each measure and axis its own name.")
        found[name] = _array(name, value)
        clash = sorted(taken & set(map(str, found[name].dims)))
        if clash:
            raise InputError(
                f"The measure {name!r} has a dimension {clash[0]!r} of its own: that is the name of an axis or coordinate of "
                "the sweep, so rename it."
            )
    return found


def _array(name: str, value: Any) -> Values:
    dims, values = _dims_and_values(value)
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray(values, object)
    if array.dtype.kind not in "biuf" or len(dims) != array.ndim or len(set(dims)) < len(dims):
        raise InputError(
            f"The measure {name!r} gave {type(value).__name__} of shape {list(array.shape)}: give a number, or a pair of the "
            "names of its dimensions, each once, and an array of numbers."
        )
    if isinstance(value, xr.DataArray):
        labels = {str(dim): value[dim].values.tolist() for dim in value.dims if dim in value.coords}
        return Values(tuple(map(str, dims)), array, labels, value.attrs)
    return value._replace(array=array) if isinstance(value, Values) else Values(dims, array, {}, {})


def _dims_and_values(value: Any) -> tuple[tuple[Any, ...], Any]:
    """Names of dimensions, and the values along them."""
    if isinstance(value, xr.DataArray):
        return value.dims, value.values
    if isinstance(value, Values):
        return value.dims, value.array
    if isinstance(value, tuple) and len(value) == 2:
        dims = (value[0],) if isinstance(value[0], str) else value[0]
        if isinstance(dims, tuple | list) and all(isinstance(dim, str) for dim in dims):
            return tuple(dims), value[1]
    return (), value


def _labels(values: Iterable[Values]) -> dict[str, Any]:
    """Labels of every dimension of all values, in order of appearance; for a dimension without labels, its largest size."""
    found: dict[str, Any] = {}
    for value in values:
        for dim, size in zip(value.dims, value.array.shape, strict=True):
            known = found.setdefault(dim, [] if dim in value.labels else 0)
            if isinstance(known, int) == (dim in value.labels):
                raise InputError(
                    f"The dimension {dim!r} has labels in some values and none in others: give all or none."
                )
            if isinstance(known, int):
                found[dim] = max(known, size)
                continue
            labels = np.asarray(value.labels[dim]).tolist()
            if labels == known:
                continue
            if len(set(labels)) < len(labels) or any(label != label for label in labels):
                raise InputError(f"The dimension {dim!r} has the labels {labels}: give each once, and no NaN.")
            known += [label for label in labels if label not in known]
    return found


def _variable(
    out: xr.Dataset,
    lead: tuple[str, ...],
    cells: Sequence[tuple[tuple[int, ...], Values]],
    labels: dict[str, Any],
) -> xr.Variable:
    """One variable over all runs and snapshots."""
    first = cells[0][1]
    cells = [(place, _like(first, value)) for place, value in cells]
    sizes = [labels[dim] if isinstance(labels[dim], int) else len(labels[dim]) for dim in first.dims]
    shape = (*(out.sizes[dim] for dim in lead), *sizes)
    whole = len(cells) == np.prod(shape[: len(lead)]) and all(list(value.array.shape) == sizes for _, value in cells)
    dtype = np.result_type(*{value.array.dtype for _, value in cells}, *([] if whole else [np.float32]))
    full = np.full(shape, 0 if whole else np.nan, dtype)
    for place, value in cells:
        cell: tuple[Any, ...] = (*place, *np.ix_(*_positions(value, labels)))
        full[cell] = value.array
    return xr.Variable((*lead, *first.dims), full, first.attrs)


def _like(first: Values, value: Values) -> Values:
    """Transpose a value to the order of dimensions of ``first``."""
    if value.dims == first.dims:
        return value
    if set(value.dims) != set(first.dims):
        raise InputError(
            f"A measure has the dimensions {list(first.dims)} in one run and {list(value.dims)} in another: give all the same."
        )
    order = [value.dims.index(dim) for dim in first.dims]
    return value._replace(dims=first.dims, array=value.array.transpose(order))


def _positions(value: Values, labels: dict[str, Any]) -> list[list[int]]:
    """Positions of a value's entries along each of its dimensions."""
    return [
        [labels[dim].index(label) for label in np.asarray(value.labels[dim]).tolist()]
        if dim in value.labels
        else list(range(size))
        for dim, size in zip(value.dims, value.array.shape, strict=True)
    ]
