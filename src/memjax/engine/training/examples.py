"""Values of single examples of a block so far: measured between segments, and put into rows of their runs."""

from __future__ import annotations

import numpy as np

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.program.asked import shown
from memjax.engine.program.by_example import by_run, on_rows
from memjax.engine.program.compiled import Compiled
from memjax.engine.program.outcome import BlockResult
from memjax.engine.program.step import BlockData, RunState
from memjax.engine.program.tiles import Block
from memjax.engine.training.lanes import pool_turn

__all__ = ["ExampleHistory"]


class ExampleHistory:
    """Values of single examples of a block, by variable and step.

    Parameters
    ----------
    block, packed
        The block, and its data on the host.
    compiled
        Its compiled programs.
    start
        The result from which training resumes.

    Attributes
    ----------
    rows
        Row numbers of the block's runs, without padding.
    """

    def __init__(self, block: BlockPlan, packed: Block, compiled: Compiled, start: BlockResult | None) -> None:
        self._block, self._compiled, real = block, compiled, len(block.runs)
        self.rows = {name: values[:real] for name, values in packed.rows.items()}
        self._chosen = packed.chosen[:real]
        splits = {"train": packed.train, "test": packed.test, **packed.more}
        self._places = {name: (tiles.first[:real], tiles.size[:real]) for name, tiles in splits.items()}
        self._values: dict[str, list[np.ndarray]] = {}
        for name, values in (start.examples if start else {}).items():
            self._values[name] = list(np.moveaxis(values, 1, 0))

    def add(self, step: int, data: BlockData, state: RunState) -> None:
        """Measure the examples, if they are to be measured at this step."""
        program = self._block.program
        if step not in program.example_steps:
            return
        with pool_turn(self._compiled.blocks_pool):
            found = self._compiled.examples(data, shown(program, state))
        for name, (part, split) in program.example_variables.items():
            values = by_run(np.asarray(found[name]), *self._places[part.measured_on(split)], self._block.schedule)
            if part.presented:
                values = on_rows(values, self._chosen, self._places["train"][1], self.rows["example"].shape[1])
            self._values.setdefault(name, []).append(values)

    def values(self) -> dict[str, np.ndarray]:
        """Values ``[R, K', W]`` so far, by variable."""
        return {name: np.stack(parts, axis=1) for name, parts in self._values.items()}
