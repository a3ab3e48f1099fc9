"""The Dataset of a store, full or not, and its progress in a few lines."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from memjax.engine.plan.budget import free_bytes
from memjax.engine.program.outcome import BlockResult
from memjax.errors import InputError
from memjax.experiment.written import AxisEntry
from memjax.results.assemble import BlockRecords, assemble
from memjax.results.schema import attributes
from memjax.store.axes import coordinates, count, shape_of, translate
from memjax.store.folder import Damaged, Store, StoreContents, StoredBlock
from memjax.store.lock import holder
from memjax.store.makers import makers_of
from memjax.store.part import PartName

__all__ = ["open_store", "progress", "read_runs"]

_LOG = logging.getLogger("memjax")
# Measured: index, status and reason of a cell while a Dataset is made, and a step in a set and in a coordinate.
_CELL_BYTES, _STEP_BYTES = 400, 120


def open_store(path: Path) -> xr.Dataset:
    """Dataset of everything that a store has by now; runs that are not finished say so in ``status``.

    Raises
    ------
    InputError
        If it is empty or a part of it is damaged.
    """
    store = Store(path)
    ledger = _ledger(store)
    return read_runs(store, ledger, ledger.axes, sorted(ledger.blocks.values()))


def _ledger(store: Store) -> StoreContents:
    ledger = store.ledger()
    if ledger is None:
        raise InputError(f"The store {str(store.path)!r} holds no manifest: nothing has been kept in it yet.")
    return ledger


def read_runs(
    store: Store,
    ledger: StoreContents,
    axes: Sequence[AxisEntry],
    blocks: Sequence[StoredBlock],
    needed: Collection[str] | None = None,
) -> xr.Dataset:
    """Dataset along some axes of the store, from the blocks that hold their runs.

    Parameters
    ----------
    store, ledger
        What is read, and what its manifests say.
    axes, blocks
        What is asked for, and the blocks that hold it.
    needed
        Names of the blocks that must be finished; a damaged part of another one is told and left out. None takes every
        block as far as it is, and no damaged part.

    Raises
    ------
    InputError
        If the Dataset would not fit into memory, a part is damaged, or a block that is needed is not finished.
    """
    _check_size(axes, blocks)
    parts, index = store.parts(), _indices(ledger, axes)
    results = {}
    for block in blocks:
        skip_damaged = needed is not None and block.name not in needed
        results[block.name] = _read(store, block, parts.get(block.name), skip_damaged)
    if needed is not None:
        _check_finished(store, [block for block in blocks if block.name in needed], results)
    filled = [BlockRecords(b.schema, [index[cell] for cell in b.cells], results[b.name]) for b in blocks]
    _check_room(axes, filled)
    dataset = assemble(coordinates(axes), filled)
    made = makers_of([manifest.made for manifest in ledger.manifests])
    packed = [(block.entry.schedule, block.entry.shape) for block in blocks]
    dataset.attrs = attributes(ledger.manifests[0].experiment, axes, packed, made)
    return dataset


def _indices(ledger: StoreContents, axes: Sequence[AxisEntry]) -> list[tuple[int, ...] | None]:
    """Index along some axes of every cell of a store, by its flat index there; None where they do not have it."""
    flat = translate(np.arange(count(ledger.axes)), ledger.axes, axes)
    if not axes:
        return [()]
    along = np.stack(np.unravel_index(np.maximum(flat, 0), shape_of(axes)), axis=1)
    return [None if cell < 0 else tuple(row) for cell, row in zip(flat.tolist(), along.tolist(), strict=True)]


def _read(store: Store, block: StoredBlock, name: PartName | None, skip_damaged: bool) -> BlockResult | None:
    try:
        return store.read(block, name)
    except Damaged as problem:
        if not skip_damaged:
            raise
        _LOG.warning("%s", problem)
        return None


def _check_finished(store: Store, blocks: Sequence[StoredBlock], results: Mapping[str, BlockResult | None]) -> None:
    """Raise `InputError` where what was trained is not there."""
    left = [block for block in blocks if (result := results[block.name]) is None or not result.finished]
    if left:
        raise InputError(
            f"The store {str(store.path)!r} lacks {len(left)} of {len(blocks)} finished parts ({left[0].name} first), which "
            f"were removed while the sweep ran: make the same call again, which trains those "
            f"{sum(len(block.cells) for block in left)} runs anew and keeps the others."
        )


def _check_size(axes: Sequence[AxisEntry], blocks: Sequence[StoredBlock]) -> None:
    """Raise `InputError` where the Dataset would not fit into memory, as far as that is known before a part is read."""
    most = max((len(block.schema.at) * len(block.schema.variables) for block in blocks), default=0)
    steps = sum(len(sheet.at) for sheet in {id(block.schema): block.schema for block in blocks}.values())
    _refuse_beyond_memory(math.prod(shape_of(axes)) * (_CELL_BYTES + 4 * most) + _STEP_BYTES * steps)


def _check_room(axes: Sequence[AxisEntry], blocks: Sequence[BlockRecords]) -> None:
    """The same once parts are read: with snapshots, and the dimensions and dtypes that measures have."""
    largest: dict[Any, int] = {}
    for block in blocks:
        if block.result is not None:
            for name, leaf in _leaves(block.result):
                largest[name] = max(largest.get(name, 0), leaf.nbytes // max(1, len(leaf)))
    _refuse_beyond_memory(math.prod(shape_of(axes)) * (_CELL_BYTES + sum(largest.values())))


def _leaves(result: BlockResult) -> Iterator[tuple[Any, np.ndarray]]:
    """Arrays ``[R, ...]`` of a result that end in the Dataset, by name."""
    for name, part in result.records.items():
        for label, leaf in part.items() if isinstance(part, dict) else [(None, part)]:
            yield (name, label), leaf
    yield from result.snapshots.items()


def _refuse_beyond_memory(needed: float) -> None:
    free = free_bytes()
    if needed > free:
        raise InputError(
            f"The Dataset of the store would take at least {needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free: open it "
            "on a larger machine, or sweep over fewer values with the same store."
        )


def progress(path: Path) -> str:
    """How far a store is, from the names of its files alone.

    Raises
    ------
    InputError
        If it is no store.
    """
    store = Store(path)
    ledger, parts = _ledger(store), store.parts()
    done = [block for name, block in ledger.blocks.items() if name in parts and parts[name].step is None]
    begun = [block for name, block in ledger.blocks.items() if name in parts and parts[name].step is not None]
    counts = [sum(len(block.cells) for block in blocks) for blocks in (ledger.blocks.values(), done, begun)]
    lines = [
        f"{counts[1]} of {counts[0]} runs finished, {counts[2]} running, {counts[0] - counts[1] - counts[2]} waiting; "
        f"{len(done)} of {len(ledger.blocks)} blocks"
    ]
    for block in begun:
        lines.append(
            f"block {block.name}: {len(block.cells)} runs at step {parts[block.name].step} of {block.schema.steps}"
        )
    who = holder(path)
    lines.append(f"in use by {who}" if who else "in use by nobody")
    return "\n".join(lines)
