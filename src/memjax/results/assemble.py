"""Assemble the results of blocks, from memory or from a store, into one labelled Dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from memjax.checks.shares import mark_shares
from memjax.engine.program.outcome import BlockResult, RecordSchema, Status, variables_of
from memjax.results.examples import ExampleBlock, add_examples
from memjax.results.flat_parameters import add_parameters
from memjax.results.schema import coordinate_attrs, status_attrs

__all__ = ["Axes", "BlockRecords", "assemble"]

Axes = Sequence[Mapping[str, np.ndarray]]
"""Coordinates of every axis, by name; the first coordinate names the dimension."""

Index = tuple[int, ...]


class BlockRecords(NamedTuple):
    """One block of a sweep: the cells of its runs, and their records if any have been saved.

    Attributes
    ----------
    schema
        Steps and variables of the records.
    cells
        Index of every run along the axes; None for a run outside the Dataset.
    sizes
        Number of parameters of every run.
    result
        The records; None if none have been saved yet.
    """

    schema: RecordSchema
    cells: Sequence[Index | None]
    sizes: Sequence[int]
    result: BlockResult | None


def assemble(axes: Axes, blocks: Sequence[BlockRecords]) -> xr.Dataset:
    """Dataset of a sweep. Its dimensions are the axes in their order, then ``step``, then the dimensions of a measure.

    A run is NaN at steps where only other runs have records, and at steps that it has not reached.
    """
    dims = tuple(next(iter(axis)) for axis in axes)
    shape = tuple(len(next(iter(axis.values()))) for axis in axes)
    steps = sorted({step for block in blocks for step in block.schema.at})
    coords: dict[str, Any] = {}
    for dim, axis in zip(dims, axes, strict=True):
        for name, labels in axis.items():
            coords[name] = (dim, labels, coordinate_attrs(name))
    coords["step"] = ("step", np.array(steps, np.int64), coordinate_attrs("step"))
    of_runs = _run_coordinates(shape, blocks)
    stopped = bool((of_runs["status"] == Status.STOPPED.label).any())
    for name, values in of_runs.items():
        coords[name] = (dims, values, status_attrs(name, stopped))
    dataset = xr.Dataset(coords=coords)
    for name, variable in variables_of(block.schema.variables for block in blocks).items():
        values, extra = _gather(blocks, name, variable.dims, shape, steps)
        attrs = {"long_name": variable.long_name, "units": variable.units}
        dataset = dataset.assign_coords({dim: (dim, labels) for dim, labels in extra.items()})
        dataset[name] = ((*dims, "step", *variable.dims), values, attrs)
    mark_shares(dataset)
    begun = [ExampleBlock(b.schema, b.cells, b.result) for b in blocks if b.result is not None]
    dataset = add_examples(dataset, dims, shape, begun)
    return add_parameters(dataset, dims, shape, begun)


def _run_coordinates(shape: Index, blocks: Iterable[BlockRecords]) -> dict[str, np.ndarray]:
    """Status coordinates of all runs: ``absent`` if no block holds a run, ``waiting`` if its block has not started."""
    labels = max(["absent", "waiting", *(status.label for status in Status)], key=len)
    status, stop = np.full(shape, "absent", f"<U{len(labels)}"), np.zeros(shape, np.int64)
    size = np.zeros(shape, np.int64)
    reason = np.full(shape, "", f"<U{max(len(status.reason) for status in Status)}")
    for block in blocks:
        for i, cell in enumerate(block.cells):
            if cell is None:
                continue
            status[cell], size[cell] = "waiting", block.sizes[i]
            if block.result is not None:
                code = Status(int(block.result.status[i]))
                status[cell], stop[cell], reason[cell] = code.label, block.result.stop_step[i], code.reason
    return {"status": status, "stop_step": stop, "stop_reason": reason, "num_parameters": size}


def _gather(
    blocks: Sequence[BlockRecords], name: str, own_dims: tuple[str, ...], shape: Index, steps: list[int]
) -> tuple[np.ndarray, dict[str, Any]]:
    """Values of one variable over all cells, and the labels of the measure's own dimensions."""
    parts = [(b, b.result.records[name]) for b in blocks if b.result is not None and name in b.result.records]
    labelled = any(isinstance(part, dict) for _, part in parts)
    keys = list(dict.fromkeys(key for _, part in parts if isinstance(part, dict) for key in part)) if labelled else []
    tail = (len(keys),) if labelled else _largest([part.shape[2:] for _, part in parts], len(own_dims))
    values = np.full((*shape, len(steps), *tail), np.nan, _dtype(part for _, part in parts))
    for block, part in parts:
        at = np.searchsorted(steps, list(block.schema.at))
        for i, cell in enumerate(block.cells):
            if cell is not None:
                _fill(values[cell], at, i, part, keys)
    labels: dict[str, Any] = {d: np.arange(n) for d, n in zip(own_dims, tail, strict=True)}
    return values, {own_dims[0]: np.array(keys)} if labelled else labels


def _fill(cell: np.ndarray, at: np.ndarray, run: int, part: Any, keys: list[str]) -> None:
    """Write one run's records, as far as it has any."""
    if isinstance(part, dict):
        for key, column in part.items():
            cell[at[: column.shape[1]], keys.index(key)] = column[run]
    else:
        place: tuple[Any, ...] = (at[: part.shape[1]], *(slice(0, size) for size in part.shape[2:]))
        cell[place] = part[run]


def _largest(shapes: list[tuple[int, ...]], ndim: int) -> tuple[int, ...]:
    return tuple(max(sizes) for sizes in zip(*shapes, strict=True)) if shapes else (0,) * ndim


def _dtype(parts: Iterable[Any]) -> np.dtype:
    leaves = [leaf for part in parts for leaf in (part.values() if isinstance(part, dict) else [part])]
    return np.result_type(np.float32, *{leaf.dtype for leaf in leaves if np.issubdtype(leaf.dtype, np.floating)})
