"""Values of single examples: measured between segments, for all examples of some splits of all runs of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.engine.program.outcome import Status
from memjax.engine.program.program import Program
from memjax.engine.program.step import BlockData, RunState, examples_of_runs, once
from memjax.engine.program.tiles import Schedule, Tiles
from memjax.examples import Examples, Tile
from memjax.measures.by_example import ByExample
from memjax.types import Array

__all__ = ["by_run", "take_examples"]


def take_examples(program: Program, schedule: Schedule, data: BlockData, state: RunState) -> dict[str, Array]:
    """Values of every example of a block, by variable, in the packed form of its split: ``[T, B]``."""
    found: dict[str, Array] = {}
    for split in dict.fromkeys(split for part in program.by_example for split in part.splits):
        parts = [part for part in program.by_example if split in part.splits]
        tiles = data.splits[split]
        values = (_streamed if schedule == "streamed" else _batched)(program, parts, data, state, tiles)
        found |= {part.variable(split): values[part.name].astype(part.dtype) for part in parts}
    return found


def _values(
    program: Program, parts: Sequence[ByExample], params: Any, hyper: Any, status: Array, tile: Tile
) -> dict[str, Array]:
    """Values ``[B]`` of one tile of one run; NaN if the run diverged, and 1 or 0 where bits are kept."""
    apply = once(program.apply_with(hyper), params, tile.x)
    found = {}
    for part in parts:
        value = part.measure.bind(program.loss)(params, apply, tile)
        found[part.name] = value > 0 if part.dtype == "bool" else jnp.where(status < Status.LOSS_NAN, value, jnp.nan)
    return found


def _batched(
    program: Program, parts: Sequence[ByExample], data: BlockData, state: RunState, tiles: Tiles
) -> dict[str, Array]:
    examples, axes = examples_of_runs("batched", tiles, data.pool)

    def of_run(params: Any, hyper: Any, status: Array, examples: Examples) -> dict[str, Array]:
        return _values(program, parts, params, hyper, status, examples.tile(0))

    found: dict[str, Array] = jax.vmap(of_run, in_axes=(0, 0, 0, axes))(
        state.params, data.hyper, state.status, examples
    )
    return found


def _streamed(
    program: Program, parts: Sequence[ByExample], data: BlockData, state: RunState, tiles: Tiles
) -> dict[str, Array]:
    count, runs = tiles.y.shape[0], tiles.first.shape[0]
    # Of runs without a tile of their own, the next one owns the tile.
    owner = jnp.clip(jnp.searchsorted(tiles.first, jnp.arange(count), side="right") - 1, 0, runs - 1)

    def of_tile(index: Array) -> dict[str, Array]:
        run = owner[index]
        params, hyper, status = jax.tree.map(lambda leaf: leaf[run], (state.params, data.hyper, state.status))
        first, size = tiles.first[run], tiles.size[run]
        tile = Examples(tiles.x, tiles.y, data.pool, first, size, tiles.most).tile(index - first)
        return _values(program, parts, params, hyper, status, tile)

    found: dict[str, Array] = jax.lax.map(of_tile, jnp.arange(count))
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
