"""Parameters of the runs of a block on the host, without the padding of a program of several structures."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.program.best import NO_STEP
from memjax.engine.program.initial import own_layout, without_padding
from memjax.engine.program.outcome import BestNetworks, Status
from memjax.engine.program.step import RunState
from memjax.parameter_trees import Layout, flatten_runs, layout_of_runs

__all__ = ["best_networks", "layouts_of", "snapshot_of", "with_first_best"]


def snapshot_of(block: BlockPlan, state: RunState, live: Any) -> np.ndarray:
    """Flat parameters ``[R, P]`` of every run; NaN for diverged runs, whose frozen values belong to an earlier step."""
    diverged = np.asarray(state.status) >= Status.LOSS_NAN

    def blank(leaf: Any) -> np.ndarray:
        return np.where(diverged.reshape(-1, *(1,) * (leaf.ndim - 1)), np.nan, leaf)

    kept = jax.tree.map(lambda leaf: blank(leaf).astype(leaf.dtype), state.params)
    return _own(flatten_runs(kept), live)[: len(block.runs)]


def with_first_best(state: RunState, recorded: RunState) -> RunState:
    """A state before the first step, with the best networks of the record of that state, and nothing else of it.

    What stops a run, and what is folded over records, begins with the record after the first step.
    """
    if state.watch is None or state.watch.best is None:
        return state
    return state._replace(watch=state.watch._replace(best=recorded.watch.best))


def best_networks(block: BlockPlan, state: RunState, live: Any) -> BestNetworks | None:
    """The best networks of the runs of a block so far; None where none are kept."""
    if block.program.keep_best is None:
        return None
    real, best = slice(0, len(block.runs)), state.watch.best
    step, value, flat = np.array(best.step)[real], np.array(best.value)[real], _own(flatten_runs(best.params), live)
    none = step == NO_STEP
    parameters = np.where(none[:, None], np.nan, flat[real]).astype(flat.dtype)
    return BestNetworks(step, np.where(none, np.nan, value).astype(value.dtype), parameters)


def layouts_of(block: BlockPlan, state: RunState) -> tuple[Layout, ...]:
    """Path and shape of every parameter array: of each run, or once if all have the same."""
    if block.program.widths is None:
        return (layout_of_runs(state.params),)
    return tuple(own_layout(block.program, run.experiment) for run in block.runs)


def _own(flat: np.ndarray, live: Any) -> np.ndarray:
    """Flat parameters ``[R, P]`` without the padding of a program of several structures; NaN after those of a smaller run."""
    if live is None:
        return flat
    rows = without_padding(flat, live)
    own = np.full((len(flat), max(map(len, rows))), np.nan, flat.dtype)
    for row, part in zip(own, rows, strict=True):
        row[: len(part)] = part
    return own
