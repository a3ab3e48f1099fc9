"""The best networks of runs in a part."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from memjax.engine.program.outcome import BestNetworks, BlockResult, RecordSchema
from memjax.parameter_trees import Layout

__all__ = ["check_best", "parameters_of", "read_best"]


def read_best(arrays: Sequence[np.ndarray] | None) -> BestNetworks | None:
    """Step, value and parameters as a part holds them; None for a part without best networks."""
    return None if arrays is None else BestNetworks(*arrays)


def check_best(result: BlockResult, runs: int, sheet: RecordSchema) -> None:
    """Raise `ValueError` where the best networks do not fit the block."""
    if (result.best is None) != (not sheet.best):
        raise ValueError("it does not hold the best networks of its manifest")
    if result.best is None:
        return
    step, value, parameters = result.best
    if step.shape != (runs,) or step.dtype.kind != "i" or value.shape != (runs,) or value.dtype.kind != "f":
        raise ValueError(f"it does not hold the steps and values of the best networks of {runs} runs")
    if not all(one in sheet.at and one <= result.step for one in {*step.tolist()} - {-1}):
        raise ValueError("it holds the best network of a step without a record")
    if parameters.shape != (runs, parameters_of(result.layouts)) or parameters.dtype.kind not in "iufcV":
        raise ValueError(f"the parameters of its best networks have the shape {list(parameters.shape)}")


def parameters_of(layouts: Sequence[Layout]) -> int:
    """Number of parameters of the largest network."""
    return max((sum(math.prod(shape) for _, shape in layout) for layout in layouts), default=0)
