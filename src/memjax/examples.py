"""Examples of one split as equal tiles: the one place where ragged sizes are masked and summed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from memjax.types import Array

__all__ = ["Examples", "Tile", "tile_of"]


class Tile(NamedTuple):
    """A fixed number of examples of one run, some of them padding.

    Attributes
    ----------
    x, y
        Inputs ``[B, ...]`` and targets ``[B, ...]``; zeros where padded.
    mask
        ``bool[B]``, True for real examples.
    """

    x: Array
    y: Array
    mask: Array

    def sum(self, values: Array) -> Array:
        """Sum of ``values[B]`` over the real examples; padding is never read, whatever it holds."""
        return jnp.where(self.mask, values, 0).sum()


class Examples(NamedTuple):
    """All examples of one split of one run.

    Attributes
    ----------
    x, y
        Tiles ``[T, B, ...]`` of inputs (or of indices into the pool) and targets, maybe of several runs.
    pool
        Inputs ``[N, ...]`` that ``x`` indexes, or None.
    first
        First tile of this run.
    size
        Number of examples of this run, N.
    num_tiles
        Number of tiles to go through, at least those of this run.
    """

    x: Array
    y: Array
    pool: Array | None
    first: Array
    size: Array
    num_tiles: Array | int

    def take(self, flat: Array, mask: Array) -> Tile:
        """Tile of the examples at positions ``flat[B]`` among the rows of all tiles; ``mask`` tells which to keep."""
        x = self.x.reshape(-1, *self.x.shape[2:])[flat]
        y = self.y.reshape(-1, *self.y.shape[2:])[flat]
        return _masked(x, y, mask, self.pool)

    def tile(self, index: Array) -> Tile:
        """Tile ``index`` of this run, from 0."""
        at = jnp.minimum(self.first + index, self.x.shape[0] - 1)
        return tile_of(self.x[at], self.y[at], index, self.size, self.pool)

    def sum(self, function: Callable[[Tile], Any]) -> Any:
        """Sum a function of a tile, giving any tree of arrays, over the tiles of this run.

        Examples
        --------
        >>> x, y = jnp.arange(4.0).reshape(2, 2, 1), jnp.zeros((2, 2), int)
        >>> float(Examples(x, y, None, 0, 3, 2).sum(lambda tile: tile.x.sum()))
        3.0
        """
        shapes = jax.eval_shape(function, jax.eval_shape(self.tile, jnp.int32(0)))
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        return jax.lax.fori_loop(
            0, self.num_tiles, lambda t, total: jax.tree.map(jnp.add, total, function(self.tile(t))), zeros
        )

    def mean(self, function: Callable[[Tile], Array]) -> Array:
        """Mean over the examples of a function that gives ``[B]`` for a tile."""
        return self.sum(lambda tile: tile.sum(function(tile))) / self.size


def tile_of(x: Array, y: Array, index: Array, size: Array, pool: Array | None) -> Tile:
    """Tile from rows ``x[B, ...]`` and ``y[B, ...]`` that stand at place ``index`` among a run's ``size`` examples."""
    width = x.shape[0]
    return _masked(x, y, index * width + jnp.arange(width) < size, pool)


def _masked(x: Array, y: Array, mask: Array, pool: Array | None) -> Tile:
    """Zero the padding before any function sees it: a NaN there would come back through the gradient of a mask."""
    if pool is not None:
        x = pool[jnp.where(mask, x, 0)]
    return Tile(_select(mask, x), _select(mask, y), mask)


def _select(mask: Array, values: Array) -> Array:
    return jnp.where(mask.reshape(-1, *(1,) * (values.ndim - 1)), values, 0)
