"""Parameters of networks in the Dataset, as flat arrays: those of snapshots, and those of the best network of every run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

from memjax.engine.program.outcome import BEST_PARAMETERS, BEST_STEP, BestNetworks, BlockResult
from memjax.parameter_trees import Layout
from memjax.results.examples import ExampleBlock
from memjax.results.schema import coordinate_attrs

__all__ = ["add_parameters"]

Blocks = Sequence[ExampleBlock]
_NO_STEP = -1


def add_parameters(dataset: xr.Dataset, dims: tuple[str, ...], shape: tuple[int, ...], blocks: Blocks) -> xr.Dataset:
    """Add what the blocks hold of networks, with the dimension ``parameter_index``; NaN where a run has no parameters."""
    flats = [flat for block in blocks for flat in _flats(block.result)]
    if not flats:
        return dataset
    layouts, longest = _layouts(blocks), max(flat.shape[1] for flat in flats)
    about = {"long_name": "which entry of the layouts of parameters the run has, -1 for none"}
    dataset = dataset.assign_coords(parameter_layout=(dims, _which(blocks, shape, layouts), about))
    attrs = {"units": "1", "layouts": json.dumps(layouts)}
    dataset = _add_snapshots(dataset, dims, (shape, longest), blocks, attrs)
    return _add_best(dataset, dims, (shape, longest), blocks, attrs)


def _flats(result: BlockResult) -> Iterator[np.ndarray]:
    """Flat parameters ``[R, P]`` that a result holds."""
    yield from result.snapshots.values()
    if result.best is not None:
        yield result.best.parameters


def _runs(blocks: Blocks) -> Iterator[tuple[tuple[int, ...], int, BlockResult]]:
    """Cell, place in its block, and result of every run of the Dataset whose block holds networks."""
    for block in blocks:
        if next(_flats(block.result), None) is not None:
            for i, cell in enumerate(block.cells):
                if cell is not None:
                    yield cell, i, block.result


def _layouts(blocks: Blocks) -> list[Layout]:
    """Every layout once, in the order of the cells that first have them: blocks come in the order in which they ended."""
    layouts: list[Layout] = []
    for _, layout in sorted(((cell, result.layout(i)) for cell, i, result in _runs(blocks)), key=lambda one: one[0]):
        if layout not in layouts:
            layouts.append(layout)
    return layouts


def _which(blocks: Blocks, shape: tuple[int, ...], layouts: list[Layout]) -> np.ndarray:
    which = np.full(shape, -1, np.int32)
    for cell, i, result in _runs(blocks):
        which[cell] = layouts.index(result.layout(i))
    return which


def _add_snapshots(
    dataset: xr.Dataset,
    dims: tuple[str, ...],
    room: tuple[tuple[int, ...], int],
    blocks: Blocks,
    attrs: dict[str, str],
) -> xr.Dataset:
    """Add ``parameters`` with the dimension ``snapshot``; ``room`` is the shape of the runs and the largest P."""
    steps = sorted({step for block in blocks for step in block.result.snapshots})
    if not steps:
        return dataset
    dtype = next(flat.dtype for block in blocks for flat in block.result.snapshots.values())
    values = np.full((*room[0], len(steps), room[1]), np.nan, dtype)
    for cell, i, result in _runs(blocks):
        for step, flat in result.snapshots.items():
            values[cell][steps.index(step), : flat.shape[1]] = flat[i]
    dataset = dataset.assign_coords(snapshot=("snapshot", np.array(steps), coordinate_attrs("snapshot")))
    about = {"long_name": "parameters, flattened", **attrs}
    dataset["parameters"] = ((*dims, "snapshot", "parameter_index"), values, about)
    return dataset


def _add_best(
    dataset: xr.Dataset,
    dims: tuple[str, ...],
    room: tuple[tuple[int, ...], int],
    blocks: Blocks,
    attrs: dict[str, str],
) -> xr.Dataset:
    """Add step, value and parameters of the best networks; ``room`` as for snapshots."""
    found = [(block.schema.best, block.result.best) for block in blocks if block.result.best is not None]
    if not found:
        return dataset
    step, value = np.full(room[0], _NO_STEP, np.int64), _nan(room[0], [best.value for _, best in found])
    values = {name: value.copy() for name, _ in found}
    parameters = _nan((*room[0], room[1]), [best.parameters for _, best in found])
    for block in blocks:
        for cell, own in _kept(block):
            step[cell], values[block.schema.best][cell] = own.step, own.value
            parameters[cell][: len(own.parameters)] = own.parameters
    long_name = f"training step of the best network, {_NO_STEP} for none"
    dataset[BEST_STEP] = (dims, step, {"long_name": long_name, "units": "1"})
    for block in blocks:
        if block.schema.best in values:
            watched = block.schema.variables[block.schema.best]
            about = {"long_name": f"{watched.long_name} of the best network", "units": watched.units}
            dataset[block.schema.best_names[-1]] = (dims, values[block.schema.best], about)
    about = {"long_name": "parameters of the best network, flattened", **attrs}
    dataset[BEST_PARAMETERS] = ((*dims, "parameter_index"), parameters, about)
    return dataset


def _nan(shape: tuple[int, ...], parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.full(shape, np.nan, np.result_type(*{part.dtype for part in parts}))


def _kept(block: ExampleBlock) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Cell and best network of every run of a block: step, value and parameters of one run."""
    best = block.result.best
    for i, cell in enumerate(block.cells if best is not None else ()):
        if cell is not None and best is not None:
            yield cell, BestNetworks(*(array[i] for array in best))
