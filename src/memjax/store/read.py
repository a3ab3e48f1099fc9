"""Read the Dataset of a store, complete or not, and report its progress."""

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
from memjax.store.folder import Damaged, Store, StoreContents
from memjax.store.lock import holder
from memjax.store.part import PartName
from memjax.store.provenance import merged_provenance
from memjax.store.stored_block import StoredBlock

__all__ = ["open_store", "progress", "read_runs"]

_LOG = logging.getLogger("memjax")
# Measured bytes while a Dataset is made: index, status and reason of a cell; a step in a set and in a coordinate.
_CELL_BYTES, _STEP_BYTES = 400, 120


def open_store(path: Path) -> xr.Dataset:
    """Dataset of all runs of a store so far; ``status`` marks runs that are not finished.

    Raises
    ------
    InputError
        If the store is empty or a part is damaged.
    """
    store = Store(path)
    contents = _contents(store)
    return read_runs(store, contents, contents.axes, sorted(contents.blocks.values()))


def _contents(store: Store) -> StoreContents:
    contents = store.contents()
    if contents is None:
        raise InputError(f"The store {str(store.path)!r} holds no manifest: nothing has been kept in it yet.")
    return contents


def read_runs(
    store: Store,
    contents: StoreContents,
    axes: Sequence[AxisEntry],
    blocks: Sequence[StoredBlock],
    needed: Collection[str] | None = None,
) -> xr.Dataset:
    """Dataset of the store along given axes.

    Parameters
    ----------
    store, contents
        The store, and the content of its manifests.
    axes, blocks
        Axes of the Dataset, and the blocks with its runs.
    needed
        Names of the blocks that must be finished; damaged parts of other blocks are skipped with a warning. With None no
        block need be finished, and no part may be damaged.

    Raises
    ------
    InputError
        If the Dataset would not fit into memory, a part is damaged, or a needed block is not finished.
    """
    _check_size(axes, blocks)
    parts, index = store.parts(), _indices(contents, axes)
    results: dict[str, tuple[StoredBlock, BlockResult | None]] = {}
    for block in blocks:
        skip_damaged = needed is not None and block.name not in needed
        results[block.name] = _read(store, block, parts, skip_damaged)
    if needed is not None:
        _check_finished(store, [block for block in blocks if block.name in needed], results)
    filled = [BlockRecords(b.schema, [index[c] for c in b.cells], b.sizes, result) for b, result in results.values()]
    _check_room(axes, filled)
    dataset = assemble(coordinates(axes), filled)
    made = merged_provenance([manifest.made for manifest in contents.manifests])
    packed = [(block.entry.schedule, block.entry.shape, block.entry.room or None) for block in blocks]
    dataset.attrs = attributes(contents.experiment, axes, packed, made)
    return dataset


def _indices(contents: StoreContents, axes: Sequence[AxisEntry]) -> list[tuple[int, ...] | None]:
    """Index along ``axes`` of every cell of a store, in order of flat indices; None for cells outside the axes."""
    flat = translate(np.arange(count(contents.axes)), contents.axes, axes)
    if not axes:
        return [()]
    along = np.stack(np.unravel_index(np.maximum(flat, 0), shape_of(axes)), axis=1)
    return [None if cell < 0 else tuple(row) for cell, row in zip(flat.tolist(), along.tolist(), strict=True)]


def _read(
    store: Store, block: StoredBlock, parts: dict[str, PartName], skip_damaged: bool
) -> tuple[StoredBlock, BlockResult | None]:
    """The newest result of the runs of a block, without a final state, and the block that has it."""
    try:
        kept, result = store.read_newest(block, parts)
        return kept, None if result is None else result._replace(final_state=None)
    except Damaged as problem:
        if not skip_damaged:
            raise
        _LOG.warning("%s", problem)
        return block, None


def _check_finished(
    store: Store, blocks: Sequence[StoredBlock], results: Mapping[str, tuple[StoredBlock, BlockResult | None]]
) -> None:
    """Raise `InputError` where a trained block has no finished part."""
    finished = {kept.name for kept, result in results.values() if result is not None and result.finished}
    left = [block for block in blocks if block.name not in finished]
    if left:
        raise InputError(
            f"The store {str(store.path)!r} lacks {len(left)} of {len(blocks)} finished parts ({left[0].name} first), which "
            f"were removed while the sweep ran: make the same call again, which trains those "
            f"{sum(len(block.cells) for block in left)} runs anew and keeps the others."
        )


def _check_size(axes: Sequence[AxisEntry], blocks: Sequence[StoredBlock]) -> None:
    """Raise `InputError` if the Dataset would not fit into memory, by an estimate without reading any part."""
    most = max((len(block.schema.at) * len(block.schema.variables) for block in blocks), default=0)
    steps = sum(len(sheet.at) for sheet in {id(block.schema): block.schema for block in blocks}.values())
    _refuse_beyond_memory(math.prod(shape_of(axes)) * (_CELL_BYTES + 4 * most) + _STEP_BYTES * steps)


def _check_room(axes: Sequence[AxisEntry], blocks: Sequence[BlockRecords]) -> None:
    """Raise `InputError` if the Dataset would not fit into memory, from the arrays in the parts."""
    largest: dict[Any, int] = {}
    for block in blocks:
        if block.result is not None:
            for name, leaf in _leaves(block.result):
                largest[name] = max(largest.get(name, 0), leaf.nbytes // max(1, len(leaf)))
    _refuse_beyond_memory(math.prod(shape_of(axes)) * (_CELL_BYTES + sum(largest.values())))


def _leaves(result: BlockResult) -> Iterator[tuple[Any, np.ndarray]]:
    """Arrays ``[R, ...]`` of a result that the Dataset will contain, by name."""
    for name, part in result.records.items():
        for label, leaf in part.items() if isinstance(part, dict) else [(None, part)]:
            yield (name, label), leaf
    yield from result.snapshots.items()
    if result.best is not None:
        yield "best", result.best.parameters


def _refuse_beyond_memory(needed: float) -> None:
    free = free_bytes()
    if needed > free:
        raise InputError(
            f"The Dataset of the store would take at least {needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free: open it "
            "on a larger machine, or sweep over fewer values with the same store."
        )


def progress(path: Path) -> str:
    """Progress of a store as text, from the names of its files alone.

    Raises
    ------
    InputError
        If the folder is not a store.
    """
    store = Store(path)
    contents, parts = _contents(store), store.parts()
    done = [block for name, block in contents.blocks.items() if name in parts and parts[name].step is None]
    begun = [block for name, block in contents.blocks.items() if name in parts and parts[name].step is not None]
    counts = [sum(len(block.cells) for block in blocks) for blocks in (contents.blocks.values(), done, begun)]
    lines = [
        f"{counts[1]} of {counts[0]} runs finished, {counts[2]} running, {counts[0] - counts[1] - counts[2]} waiting; "
        f"{len(done)} of {len(contents.blocks)} blocks"
    ]
    for block in begun:
        lines.append(
            f"block {block.name}: {len(block.cells)} runs at step {parts[block.name].step} of {block.schema.steps}"
        )
    for block in contents.blocks.values():
        before = block.newest(parts)
        if before is not block and before.name in parts:
            step = before.schema.steps if parts[before.name].step is None else parts[before.name].step
            lines.append(
                f"block {block.name}: {len(block.cells)} runs to go on from step {step} to {block.schema.steps}"
            )
    who = holder(path)
    lines.append(f"in use by {who}" if who else "in use by nobody")
    return "\n".join(lines)
