"""Assemble finished blocks into one labelled Dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from memjax.engine.execute import BlockResult
from memjax.engine.partition import BlockPlan
from memjax.engine.plan import Plan
from memjax.engine.status import Status
from memjax.results.parameters import add_snapshots
from memjax.results.schema import coordinate_attrs

__all__ = ["assemble"]

Finished = list[tuple[BlockPlan, BlockResult]]


def assemble(plan: Plan, finished: Finished) -> xr.Dataset:
    """Dataset of a whole sweep: dimensions are the axes in their order, then ``step``, then those of a measure.

    A run is NaN at the steps where only other runs have records.
    """
    axes = plan.axes
    shape = tuple(len(axis.rows) for axis in axes)
    dims = tuple(axis.dim for axis in axes)
    steps = sorted({step for block in plan.blocks for step in _steps(block)})
    coords: dict[str, Any] = {}
    for axis in axes:
        for name, labels in axis.coords().items():
            coords[name] = (axis.dim, labels, coordinate_attrs(name))
    coords["step"] = ("step", np.array(steps), coordinate_attrs("step"))
    status, stop = np.zeros(shape, "<U8"), np.zeros(shape, np.int64)
    for block, result in finished:
        for i, run in enumerate(block.runs):
            status[run.index] = Status(int(result.status[i])).label
            stop[run.index] = result.stop_step[i]
    coords["status"] = (dims, status, coordinate_attrs("status"))
    coords["stop_step"] = (dims, stop, coordinate_attrs("stop_step"))
    dataset = xr.Dataset(coords=coords)
    for name, (measure, split) in _variables(plan.blocks).items():
        values, extra = _gather(finished, name, measure.dims, shape, steps)
        attrs = {"long_name": f"{split}{measure.long_name or measure.name}", "units": measure.units}
        dataset = dataset.assign_coords({dim: (dim, labels) for dim, labels in extra.items()})
        dataset[name] = ((*dims, "step", *measure.dims), values, attrs)
    return add_snapshots(dataset, dims, shape, finished)


def _steps(block: BlockPlan) -> Iterable[int]:
    program = block.program
    return range(0, program.steps + 1, program.record_every)


def _variables(blocks: Iterable[BlockPlan]) -> dict[str, tuple[Any, str]]:
    """Measure and prefix of its long name for every variable, in the order of the measures.

    A variable whose units differ between programs, as those of two losses, has none.
    """
    found: dict[str, tuple[Any, str]] = {}
    for measure in dict.fromkeys(measure for block in blocks for measure in block.program.measures):
        for split in measure.splits:
            name = measure.variable(split)
            known = found.get(name, (measure, ""))[0]
            common = measure if known.units == measure.units else dataclasses.replace(measure, units="1")
            found[name] = common, f"{split} " if len(measure.splits) > 1 else ""
    return found


def _gather(
    finished: Finished, name: str, measure_dims: tuple[str, ...], shape: tuple[int, ...], steps: list[int]
) -> tuple[np.ndarray, dict[str, Any]]:
    """Values of one variable over all cells, and the labels of the measure's own dimensions."""
    parts = [(block, result.records[name]) for block, result in finished if name in result.records]
    labelled = any(isinstance(part, dict) for _, part in parts)
    keys = list(dict.fromkeys(key for _, part in parts if isinstance(part, dict) for key in part)) if labelled else []
    tail = (len(keys),) if labelled else _largest(part.shape[2:] for _, part in parts)
    values = np.full((*shape, len(steps), *tail), np.nan, _dtype(parts))
    for block, part in parts:
        at = np.searchsorted(steps, list(_steps(block)))
        for i, run in enumerate(block.runs):
            cell = values[run.index]
            if isinstance(part, dict):
                for key, column in part.items():
                    cell[at, keys.index(key)] = column[i]
            else:
                cell[(at, *(slice(0, size) for size in part.shape[2:]))] = part[i]
    labels = (
        {measure_dims[0]: np.array(keys)}
        if labelled
        else {d: np.arange(n) for d, n in zip(measure_dims, tail, strict=True)}
    )
    return values, labels


def _largest(shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(max(sizes) for sizes in zip(*shapes, strict=True))


def _dtype(parts: list[tuple[BlockPlan, Any]]) -> np.dtype:
    leaves = [leaf for _, part in parts for leaf in (part.values() if isinstance(part, dict) else [part])]
    return np.result_type(np.float32, *{leaf.dtype for leaf in leaves if np.issubdtype(leaf.dtype, np.floating)})
