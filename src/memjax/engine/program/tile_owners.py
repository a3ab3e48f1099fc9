"""Which run owns each tile of a block."""

from __future__ import annotations

import jax.numpy as jnp

from memjax.engine.program.tiles import Schedule, Tiles
from memjax.types import Array

__all__ = ["of_tiles", "owner_of_tiles"]


def of_tiles(schedule: Schedule, tiles: Tiles, values: tuple[Array, ...]) -> tuple[Array, ...]:
    """Values ``[R]`` of runs as those of their tiles, ``[T, 1]``."""
    owner = owner_of_tiles(tiles) if schedule == "streamed" else jnp.arange(tiles.first.shape[0])
    return tuple(value[owner][:, None] for value in values)


def owner_of_tiles(tiles: Tiles) -> Array:
    """Run of every tile of a streamed split, ``int[T]``. Of runs without a tile of their own, the next one owns it."""
    count, runs = tiles.y.shape[0], tiles.first.shape[0]
    return jnp.clip(jnp.searchsorted(tiles.first, jnp.arange(count), side="right") - 1, 0, runs - 1)
