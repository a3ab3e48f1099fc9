"""Where results go: the protocol, and the keeper of a sweep that lives in memory only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.program.outcome import BlockResult

__all__ = ["InMemory", "Keeper"]


class Keeper(Protocol):
    """Takes the results of blocks; its methods are called from several threads, each block by one at a time."""

    def start(self, block: BlockPlan) -> BlockResult | None:
        """Where a block is to go on from; None starts it at step 0."""
        ...

    def due(self, block: BlockPlan) -> bool:
        """Whether to keep an unfinished block now."""
        ...

    def keep(self, block: BlockPlan, result: BlockResult) -> None:
        """Keep a result; one that is not finished stands until the next of the same block."""
        ...

    def replace(self, block: BlockPlan, parts: Sequence[BlockPlan]) -> Sequence[BlockPlan]:
        """Take note that a block is trained in parts; gives them back as they are to be trained."""
        ...


class InMemory:
    """Keeps finished blocks in a list, and nothing of those that are not."""

    def __init__(self) -> None:
        self.finished: list[tuple[BlockPlan, BlockResult]] = []

    def start(self, block: BlockPlan) -> BlockResult | None:
        """Nothing."""
        return None

    def due(self, block: BlockPlan) -> bool:
        """Never."""
        return False

    def keep(self, block: BlockPlan, result: BlockResult) -> None:
        """Add a finished block."""
        if result.finished:
            self.finished.append((block, result))

    def replace(self, block: BlockPlan, parts: Sequence[BlockPlan]) -> Sequence[BlockPlan]:
        """The parts as they are."""
        return parts
