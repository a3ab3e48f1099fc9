"""Keepers take the results of blocks: the protocol, and the keeper of a sweep without a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.program.outcome import BlockResult

__all__ = ["InMemory", "Keeper"]


class Keeper(Protocol):
    """Takes the results of blocks. Several threads call its methods, but only one thread at a time for each block."""

    def start(self, block: BlockPlan) -> BlockResult | None:
        """The result from which a block resumes; None starts it at step 0."""
        ...

    def due(self, block: BlockPlan) -> bool:
        """Whether to save an unfinished block now."""
        ...

    def keep(self, block: BlockPlan, result: BlockResult) -> None:
        """Save a result; an unfinished result is replaced by the next result of the same block."""
        ...

    def replace(self, block: BlockPlan, parts: Sequence[BlockPlan]) -> Sequence[BlockPlan]:
        """Replace a block by parts of it; returns the parts that are to be trained."""
        ...


class InMemory:
    """Keeps the results of finished blocks in a list, and no unfinished results."""

    def __init__(self) -> None:
        self.finished: list[tuple[BlockPlan, BlockResult]] = []

    def start(self, block: BlockPlan) -> BlockResult | None:
        """Every block starts at step 0."""
        return None

    def due(self, block: BlockPlan) -> bool:
        """Unfinished blocks are never saved."""
        return False

    def keep(self, block: BlockPlan, result: BlockResult) -> None:
        """Add the result of a finished block."""
        if result.finished:
            self.finished.append((block, result))

    def replace(self, block: BlockPlan, parts: Sequence[BlockPlan]) -> Sequence[BlockPlan]:
        """Return the parts unchanged."""
        return parts
