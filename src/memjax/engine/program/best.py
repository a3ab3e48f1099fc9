"""The best network of every run so far: its parameters, its step, and the value of the variable that says so."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from memjax.engine.program.program import Program
from memjax.engine.program.step import BlockData, RunState, by_run_of
from memjax.engine.program.vectors import start_shapes
from memjax.jax_settings import float_dtype
from memjax.types import Array

__all__ = ["NO_STEP", "BestSoFar", "better_networks", "no_networks"]

NO_STEP = -1
"""Step of the best network of a run that has none yet."""


class BestSoFar(NamedTuple):
    """The best network of every run of a block; zeros where a run has none yet.

    Attributes
    ----------
    value
        The variable ``[R]`` at the record of the network.
    step
        ``int32[R]``, steps done by the network; `NO_STEP` where there is none.
    params
        Its parameters, a tree of arrays ``[R, ...]``.
    """

    value: Any
    step: Any
    params: Any


def no_networks(program: Program, runs: int) -> BestSoFar | None:
    """The memory before the first record, on the host; None where no network is kept."""
    if program.keep_best is None:
        return None
    params = jax.tree.map(lambda leaf: np.zeros((runs, *leaf.shape), leaf.dtype), start_shapes(program)[1])
    return BestSoFar(np.zeros(runs, float_dtype()), np.full(runs, NO_STEP, np.int32), params)


def better_networks(
    program: Program, data: BlockData, state: RunState, record: dict[str, Any], running: Array
) -> BestSoFar | None:
    """The best networks after a record of the ``running[R]`` runs, whose parameters are those of the state."""
    if program.keep_best is None:
        return None
    best: BestSoFar = state.watch.best
    value = record[program.keep_best.variable]
    asked = jax.vmap(lambda hyper, new, old: program.best_with(hyper).better(new, old))(data.hyper, value, best.value)
    better = running & ~jnp.isnan(value) & (asked | (best.step == NO_STEP))

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(by_run_of(better, old), new, old).astype(old.dtype)

    params = jax.tree.map(choose, state.params, best.params)
    return BestSoFar(choose(value, best.value), choose(state.stop_step, best.step), params)
