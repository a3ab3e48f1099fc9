"""The blocks of a store, and the chain of blocks in which each goes on from the one before it."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from memjax.engine.program.outcome import RecordSchema
from memjax.errors import InputError
from memjax.store.manifest import BlockEntry

__all__ = ["StoredBlock", "linked"]


class StoredBlock(NamedTuple):
    """A block of a store, with the flat indices of its cells along the store's current axes.

    ``before`` is the block of the same runs with fewer steps from which this block goes on; None for a block that starts
    at step 0.
    """

    name: str
    manifest: str
    entry: BlockEntry
    schema: RecordSchema
    cells: np.ndarray
    before: StoredBlock | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of parameters of each run."""
        return self.entry.sizes or (self.schema.num_parameters,) * len(self.cells)

    @property
    def number(self) -> int:
        """Number of the block's manifest."""
        return int(self.name.partition("-")[0])

    def newest(self, parts: Container[str]) -> StoredBlock:
        """The block itself, or, while it has no part, the newest block before it that has one; itself if none has."""
        found: StoredBlock | None = self
        while found is not None and found.name not in parts:
            found = found.before
        return found or self


def linked(blocks: Iterable[StoredBlock]) -> list[StoredBlock]:
    """The blocks, in the order of their manifests, each with the block from which it goes on.

    Raises
    ------
    InputError
        If a block names one that no manifest before it has, or one of other runs, shape or variables, or of as many steps.
    """
    found: dict[str, StoredBlock] = {}
    for block in blocks:
        before = found.get(block.entry.continues)
        if block.entry.continues and (before is None or not _goes_on(block, before)):
            raise InputError(
                f"The block {block.name} of the store continues {block.entry.continues!r}, which is no block of the same runs "
                "with fewer steps: the store was altered. Use another store."
            )
        found[block.name] = block._replace(before=before)
    return list(found.values())


def _goes_on(block: StoredBlock, before: StoredBlock) -> bool:
    longer = block.number > before.number and block.schema.steps > before.schema.steps
    same_runs = _packed(block.entry) == _packed(before.entry) and np.array_equal(block.cells, before.cells)
    return longer and same_runs and _recorded(block.schema) == _recorded(before.schema)


def _packed(entry: BlockEntry) -> BlockEntry:
    """What a block and one that goes on from it have in common."""
    return replace(entry, share=0, sheet=0, records=1, cells=(), continues="")


def _recorded(schema: RecordSchema) -> Any:
    tables = schema.variables, schema.examples
    return (
        schema.num_parameters,
        schema.best,
        *({name: about.dims for name, about in table.items()} for table in tables),
    )
