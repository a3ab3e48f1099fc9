"""The keeper of a sweep with a store: finished results are written at once, unfinished results from time to time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.program.outcome import BlockResult
from memjax.store.folder import Store
from memjax.store.more_steps import as_start
from memjax.store.part import PartName
from memjax.store.stored_block import StoredBlock

__all__ = ["StoreKeeper"]

_SECONDS = 5.0
_SHARE = 0.05

Split = Callable[[StoredBlock, Sequence[BlockPlan]], Sequence[tuple[BlockPlan, StoredBlock]]]


class StoreKeeper:
    """Writes the parts of blocks of a store.

    Parameters
    ----------
    store
        The store to write to.
    blocks
        The blocks, by name.
    made
        Device and versions, written into every part.
    on_split
        Records in the store that a block is trained in parts.
    """

    def __init__(self, store: Store, blocks: Mapping[str, StoredBlock], made: dict[str, Any], on_split: Split) -> None:
        self._store, self._made, self._on_split = store, made, on_split
        self._blocks, self._parts = dict(blocks), store.parts()
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def start(self, block: BlockPlan) -> BlockResult | None:
        """The result of a block in the store, or of the block from which it goes on."""
        self._next[block.name] = time.monotonic() + _SECONDS
        placed = self._blocks[block.name]
        kept, result = self._store.read_newest(placed, self._parts)
        if result is None or kept is placed:
            return result
        snapshots = {step for run in block.runs for step in run.experiment.snapshots}
        return as_start(result, kept.schema, placed.schema, snapshots)

    def due(self, block: BlockPlan) -> bool:
        """Whether some seconds have passed since the last write, and writing would take only a small fraction of them."""
        return time.monotonic() >= self._next[block.name]

    def keep(self, block: BlockPlan, result: BlockResult) -> None:
        """Write a part that replaces the block's last part."""
        begun = time.monotonic()
        old: PartName | None = self._parts.get(block.name)
        self._parts[block.name] = self._store.write(self._blocks[block.name], result, self._made, old)
        if result.finished:
            self._store.remove_superseded(self._blocks[block.name], self._parts)
        ended = time.monotonic()
        self._next[block.name] = ended + max(_SECONDS, (ended - begun) / _SHARE)

    def replace(self, block: BlockPlan, parts: Sequence[BlockPlan]) -> Sequence[BlockPlan]:
        """Record in the store that a block is trained in parts."""
        with self._lock:
            named = self._on_split(self._blocks[block.name], parts)
            self._blocks |= {placed.name: placed for _, placed in named}
        return [part for part, _ in named]
