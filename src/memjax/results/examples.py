"""Values of single examples in a Dataset, aligned over runs by the numbers of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from memjax.engine.program.example_rows import CORRUPTED, NO_ROW, TRAIN_COUNT
from memjax.engine.program.outcome import BlockResult, RecordSchema, Status, Variable, variables_of

__all__ = ["ExampleBlock", "add_examples"]

_OF_DATA = {
    TRAIN_COUNT: Variable(("example",), "how often a row of the data set stands in the train set", "1"),
    CORRUPTED: Variable(("example",), "whether label noise has replaced the target of a row by another", "1"),
}


class ExampleBlock(NamedTuple):
    """Results of a block with the index along the axes of every run; None for a run outside the Dataset."""

    schema: RecordSchema
    cells: Sequence[tuple[int, ...] | None]
    result: BlockResult


def add_examples(
    dataset: xr.Dataset, dims: tuple[str, ...], shape: tuple[int, ...], blocks: Sequence[ExampleBlock]
) -> xr.Dataset:
    """Add what the blocks hold by example: variables with a dimension of examples, whose coordinate is the row number.

    A value is NaN where the data set of a run lacks the row, where the run has not reached the step, and where it diverged;
    bits then become floats. A row that the data set of a run lacks is not trained on, and is not corrupted.
    """
    blocks = [block for block in blocks if block.result.rows]
    if not blocks:
        return dataset
    numbers = {dim: _row_numbers(blocks, dim) for dim in _dims(blocks)}
    dataset = dataset.assign_coords({dim: (dim, rows, _attrs(dim)) for dim, rows in numbers.items()})
    for name, about in _OF_DATA.items():
        if any(name in block.result.rows for block in blocks):
            values = _of_data(blocks, name, shape, numbers["example"])
            dataset[name] = ((*dims, "example"), values, {"long_name": about.long_name, "units": about.units})
    return _add_values(dataset, dims, shape, blocks, numbers)


def _add_values(
    dataset: xr.Dataset,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    blocks: Sequence[ExampleBlock],
    numbers: dict[str, np.ndarray],
) -> xr.Dataset:
    steps = sorted({step for block in blocks for step in block.schema.example_steps})
    if not steps:
        return dataset
    long_name = {"long_name": "training step of the values of single examples", "units": "1"}
    dataset = dataset.assign_coords(example_step=("example_step", np.array(steps, np.int64), long_name))
    for name, about in variables_of(block.schema.examples for block in blocks).items():
        (dim,) = about.dims
        if dim in numbers:
            values = _gathered(blocks, name, shape, steps, dim, numbers[dim])
            attrs = {"long_name": about.long_name, "units": about.units}
            dataset[name] = ((*dims, "example_step", dim), values, attrs)
    return dataset


def _dims(blocks: Sequence[ExampleBlock]) -> list[str]:
    names = dict.fromkeys(name for block in blocks for name in block.result.rows)
    return [name for name in names if name not in _OF_DATA]


def _attrs(dim: str) -> dict[str, str]:
    of = {"example": "the data set", "test_example": "the test set"}
    return {"long_name": f"row of {of.get(dim, dim.removesuffix('_example').replace('_', ' '))}", "units": "1"}


def _row_numbers(blocks: Sequence[ExampleBlock], dim: str) -> np.ndarray:
    rows = [np.unique(block.result.rows[dim]) for block in blocks if dim in block.result.rows]
    found = np.unique(np.concatenate(rows))
    return found[found != NO_ROW].astype(np.int64)


def _runs(blocks: Sequence[ExampleBlock], dim: str, numbers: np.ndarray) -> Iterator[tuple[Any, int, Any, Any, Any]]:
    """Block, place and cell of every run of the Dataset, and where its examples stand in the block and in ``numbers``."""
    for block in blocks:
        for i, cell in enumerate(block.cells):
            if cell is not None and dim in block.result.rows:
                own = block.result.rows[dim][i]
                real = np.flatnonzero(own != NO_ROW)
                yield block, i, cell, real, np.searchsorted(numbers, own[real])


def _of_data(blocks: Sequence[ExampleBlock], name: str, shape: tuple[int, ...], numbers: np.ndarray) -> np.ndarray:
    parts = [block.result.rows[name] for block in blocks if name in block.result.rows]
    # The smallest dtype that holds every count.
    dtype = np.result_type(*(np.bool_ if part.dtype == bool else np.min_scalar_type(int(part.max())) for part in parts))
    values = np.zeros((*shape, len(numbers)), dtype)
    for block, i, cell, real, at in _runs(blocks, "example", numbers):
        if name in block.result.rows:
            # A pool's row may stand in a data set twice.
            np.add.at(values[cell], at, block.result.rows[name][i][real].astype(dtype))
    return values


def _gathered(
    blocks: Sequence[ExampleBlock],
    name: str,
    shape: tuple[int, ...],
    steps: list[int],
    dim: str,
    numbers: np.ndarray,
) -> np.ndarray:
    parts = [block.result.examples[name] for block in blocks if name in block.result.examples]
    dtype = np.result_type(*{part.dtype for part in parts}) if parts else np.dtype(np.float32)
    values, known = (
        np.zeros((*shape, len(steps), len(numbers)), dtype),
        np.zeros((*shape, len(steps), len(numbers)), bool),
    )
    for block, i, cell, real, at in _runs(blocks, dim, numbers):
        part = block.result.examples.get(name)
        if part is None or block.result.status[i] >= Status.LOSS_NAN:
            continue
        when = np.searchsorted(steps, block.schema.example_steps)[: part.shape[1]]
        values[(*cell, *np.ix_(when, at))] = part[i][:, real]
        known[(*cell, *np.ix_(when, at))] = True
    if known.all():
        return values
    return np.where(known, values, np.nan).astype(np.float32 if dtype == np.bool_ else dtype)
