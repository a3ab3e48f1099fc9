"""Values of single examples, for all examples of some splits of all runs of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.engine.program.asked import Seen, bound, seen_of_runs
from memjax.engine.program.evaluated import evaluated
from memjax.engine.program.outcome import Status
from memjax.engine.program.program import Program
from memjax.engine.program.record import once
from memjax.engine.program.step import BlockData, RunState, examples_of_runs
from memjax.engine.program.tile_owners import of_tiles, owner_of_tiles
from memjax.engine.program.tiles import Schedule, Tiles
from memjax.examples import Examples, Tile
from memjax.measures.by_example import ByExample
from memjax.measures.folds import FOLDS
from memjax.types import Array

__all__ = ["by_run", "measured", "on_rows", "take_examples"]


def take_examples(program: Program, schedule: Schedule, data: BlockData, state: RunState) -> dict[str, Array]:
    """Values of every example of a block, by variable, in the packed form of the split it is measured on: ``[T, B]``.

    Between segments; folds are those of the state. Values of diverged runs are NaN, and their bits zero.
    """
    state, variables = evaluated(program, state), program.example_variables
    found: dict[str, Array] = {}
    for split in dict.fromkeys(part.measured_on(own) for part, own in variables.values()):
        parts = {name: part for name, (part, own) in variables.items() if part.measured_on(own) == split}
        direct = [part for part in parts.values() if part.over is None]
        values = measured(program, schedule, direct, data, state, split)
        (alive,) = of_tiles(schedule, data.splits[split], (state.status < Status.LOSS_NAN,))
        for name, part in parts.items():
            value = values[part.name] if part.over is None else FOLDS[part.over].result(state.watch.folds[name])
            held = value > 0 if part.dtype == "bool" else jnp.where(alive, value, jnp.nan)
            found[name] = held.astype(part.dtype)
    return found


def measured(
    program: Program, schedule: Schedule, parts: Sequence[ByExample], data: BlockData, state: RunState, split: str
) -> dict[str, Array]:
    """Values ``[T, B]`` of the measures of ``parts``, by name, on all tiles of a split."""
    if not parts:
        return {}
    tiles = data.splits[split]
    return (_streamed if schedule == "streamed" else _batched)(program, parts, data, state, tiles)


def _values(
    program: Program, parts: Sequence[ByExample], network: tuple[Any, Seen], hyper: Any, tile: Tile
) -> dict[str, Array]:
    """Values ``[B]`` of one tile of one run."""
    params, seen = network
    apply = once(program.apply_with(hyper), params, tile.x)
    return {part.name: bound(program, part.measure, hyper, seen)(params, apply, tile) for part in parts}


def _batched(
    program: Program, parts: Sequence[ByExample], data: BlockData, state: RunState, tiles: Tiles
) -> dict[str, Array]:
    examples, axes = examples_of_runs("batched", tiles, data.pool)

    def of_run(network: Any, hyper: Any, examples: Examples) -> dict[str, Array]:
        return _values(program, parts, network, hyper, examples.tile(0))

    networks = state.params, seen_of_runs(program, data, state)
    found: dict[str, Array] = jax.vmap(of_run, in_axes=(0, 0, axes))(networks, data.hyper, examples)
    return found


def _streamed(
    program: Program, parts: Sequence[ByExample], data: BlockData, state: RunState, tiles: Tiles
) -> dict[str, Array]:
    owner, networks = owner_of_tiles(tiles), (state.params, seen_of_runs(program, data, state))

    def of_tile(index: Array) -> dict[str, Array]:
        run = owner[index]
        network, hyper = jax.tree.map(lambda leaf: leaf[run], (networks, data.hyper))
        first, size = tiles.first[run], tiles.size[run]
        tile = Examples(tiles.x, tiles.y, data.pool, first, size, tiles.most).tile(index - first)
        return _values(program, parts, network, hyper, tile)

    found: dict[str, Array] = jax.lax.map(of_tile, jnp.arange(tiles.y.shape[0]))
    return found


def by_run(values: np.ndarray, first: np.ndarray, size: np.ndarray, schedule: Schedule) -> np.ndarray:
    """Values ``[R, W]`` of all runs, from packed ones ``[T, B]``; zeros behind a run's own.

    Examples
    --------
    >>> by_run(np.array([[1, 2], [3, 0], [4, 0]]), np.array([0, 2]), np.array([3, 1]), "streamed")
    array([[1, 2, 3],
           [4, 0, 0]])
    """
    found = np.zeros((len(size), int(size.max(initial=0))), values.dtype)
    flat = values.reshape(-1)
    for row, (start, count) in enumerate(zip(first, size, strict=True)):
        begin = (row if schedule == "batched" else int(start)) * values.shape[1]
        found[row, :count] = flat[begin : begin + count]
    return found


def on_rows(values: np.ndarray, chosen: Sequence[np.ndarray | None], sizes: np.ndarray, width: int) -> np.ndarray:
    """Values ``[R, width]`` of the rows of the data sets of all runs, from those ``[R, n]`` of their train examples.

    Parameters
    ----------
    values
        Values of the train examples; of several copies of a row, the first has the value.
    chosen, sizes
        Positions in its data set of the train examples of each run, None for all, and their number.
    width
        Number of rows of the largest data set.

    Returns
    -------
    np.ndarray
        NaN where a run does not train on the row.

    Examples
    --------
    >>> on_rows(np.array([[1.0, 2.0, 0.0]]), [np.array([3, 0, 3])], np.array([3]), 4)
    array([[ 2., nan, nan,  1.]])
    """
    found = np.full((len(values), width), np.nan, values.dtype)
    for row, places, size, own in zip(found, chosen, sizes, values, strict=True):
        rows, first = (slice(0, size),) * 2 if places is None else np.unique(places, return_index=True)
        row[rows] = own[first]
    return found
