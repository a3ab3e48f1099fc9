"""One record of a block of runs: the values of all measures."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from memjax.engine.program.asked import Seen, bound, seen_of_runs
from memjax.engine.program.outcome import Status
from memjax.engine.program.program import Hyper, Program
from memjax.engine.program.step import BlockData, RunState, by_run_of, examples_of_runs, sum_of_runs
from memjax.engine.program.tiles import Schedule, Tiles
from memjax.examples import Examples, Tile
from memjax.jax_settings import wide
from memjax.measures.recorded.loss import step_loss
from memjax.parameter_trees import alone
from memjax.types import Array, Params

__all__ = ["once", "take_record"]

Networks = tuple[Params, Seen]
"""Parameters, and what else measures ask for."""


def take_record(
    program: Program,
    schedule: Schedule,
    data: BlockData,
    state: RunState,
    total: Array | None = None,
    steps: Array | int = 0,
) -> dict[str, Any]:
    """Values ``[R, ...]`` of all measures, by variable; NaN for runs that diverged.

    ``total[R]`` is the sum of the losses of the ``steps`` steps since the last record; there are none before the first.
    """
    record: dict[str, Any] = {}
    networks = state.params, seen_of_runs(program, data, state)
    for split, tiles in data.splits.items():
        measures = [measure for measure in program.measures if split in measure.splits]
        record |= _per_example(program, schedule, data, networks, split, tiles, measures)
        record |= _whole(program, schedule, data, networks, split, tiles, measures)
    for measure in program.measures:
        if total is not None and measure.function is step_loss.function:
            own = record[measure.name]
            # A run that was stopped takes no more steps.
            taken = steps > 0 if program.stop_when is None else (steps > 0) & (state.status != Status.STOPPED)
            record[measure.name] = jnp.where(taken, total / jnp.maximum(steps, 1), own).astype(own.dtype)
    alive = state.status < Status.LOSS_NAN
    blank = lambda leaf: jnp.where(by_run_of(alive, leaf), leaf, jnp.nan)  # noqa: E731
    return jax.tree.map(lambda leaf: blank(wide(leaf)), record)


def _per_example(
    program: Program, schedule: Schedule, data: BlockData, networks: Networks, split: str, tiles: Tiles, measures: list
) -> dict[str, Array]:
    """Values of the per-example measures, in one pass over the split and with one shared forward pass."""
    chosen = [measure for measure in measures if measure.per_example]
    if not chosen:
        return {}

    def sums(network: Networks, hyper: Hyper, tile: Tile) -> dict[str, Array]:
        params, seen = network
        apply = once(program.apply_with(hyper), params, tile.x)
        values = {m.variable(split): bound(program, m, hyper, seen)(params, apply, tile) for m in chosen}
        return {name: tile.sum(value) for name, value in values.items()}

    total = sum_of_runs(schedule, sums, networks, data, tiles)
    means = {m.variable(split) for m in chosen if m.reduce == "mean"}
    return {name: value / tiles.size if name in means else value for name, value in total.items()}


def once(apply: Callable[[Params, Array], Array], params: Params, x: Array) -> Callable[[Params, Array], Array]:
    """The same function, except that its value at ``params`` and ``x`` is computed only once."""
    kept: list[Array] = []

    def shared(parameters: Params, inputs: Array) -> Array:
        if parameters is not params or inputs is not x:
            return apply(parameters, inputs)
        if not kept:
            kept.append(apply(parameters, inputs))
        return kept[0]

    return shared


def _whole(
    program: Program, schedule: Schedule, data: BlockData, networks: Networks, split: str, tiles: Tiles, measures: list
) -> dict[str, Any]:
    """Values of the measures that take a whole split at once."""
    examples, axes = examples_of_runs(schedule, tiles, data.pool)
    found = {}
    for measure in measures:
        if not measure.per_example:
            one = functools.partial(_of_whole, program, measure)
            found[measure.variable(split)] = jax.vmap(one, in_axes=(0, 0, 0, axes))(
                networks, data.hyper, data.live, examples
            )
    return found


def _of_whole(program: Program, measure: Any, network: Networks, hyper: Hyper, live: Any, examples: Examples) -> Any:
    """Value of a measure of one run. Derivatives in padding are zero, because the measure's function does not see any."""
    params, seen = network
    apply = program.apply_with(hyper)
    own = apply if live is None else lambda p, x: apply(alone(p, live), x)
    return bound(program, measure, hyper, seen, live)(params, own, examples)
