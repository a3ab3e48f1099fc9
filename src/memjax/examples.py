"""Examples of one split as equal tiles. Only this file masks padding and sums over examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from memjax.errors import InputError
from memjax.jax_settings import wide
from memjax.types import Array

__all__ = ["Examples", "Tile", "masked_tile", "tile_mask"]


class Tile(NamedTuple):
    """A fixed number of examples of one run, some of them padding.

    Attributes
    ----------
    x, y
        Inputs ``[B, ...]`` and targets ``[B, ...]``; padding repeats the run's first example.
    mask
        ``bool[B]``, True for real examples.
    rows
        ``int32[B]``, numbers of the examples in the data set, from which a model that draws random numbers in training gets
        its keys; None elsewhere.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> x, y = jnp.array([[1.0], [2.0], [1.0]]), jnp.array([0, 1, 0])
    >>> tile = Tile(x, y, mask=jnp.array([True, True, False]))
    >>> float(tile.sum(tile.x[:, 0]))  # 1 + 2, without the padding
    3.0
    """

    x: Array
    y: Array
    mask: Array
    rows: Array | None = None

    def sum(self, values: Array) -> Array:
        """Sum of ``values[B]`` over the real examples, in float32 or wider; values of padding are ignored, even NaN.

        Raises
        ------
        InputError
            If the values have another shape than ``[B]``; a single number stands for each example.
        """
        if (shape := jnp.shape(values)) not in ((), self.mask.shape):
            raise InputError(
                f"tile.sum and examples.mean take one value for each example, shape [B] = {[*self.mask.shape]}, and were given "
                f"the shape {[*shape]}: take a mean or a sum over the other axes, such as values.mean(-1)."
            )
        return jnp.where(self.mask, wide(values), 0).sum()


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Examples:
    """All examples of one split of one run, read tile by tile.

    The arrays inside are private, because they hold the tiles of all runs of a block: read examples through `mean`, `sum`
    and `tile`.

    Attributes
    ----------
    _x, _y
        Tiles ``[T, B, ...]`` of inputs (or of indices into the pool) and of targets, perhaps of several runs.
    _pool
        Inputs ``[N, ...]`` that ``_x`` indexes, or None.
    _first
        First tile of this run.
    size
        Number of examples of this run, N.
    num_tiles
        Number of tiles to read, at least the number of tiles of this run.
    _alone
        Whether the arrays are one tile of this run alone, whose padding repeats the first example already.
    _rows
        Numbers ``[T, B]`` of the examples in the data set, or None.

    Examples
    --------
    A measure without ``per_example`` is given the examples of its split:

    >>> def mean_output(params, apply, examples):
    ...     return examples.mean(lambda tile: apply(params, tile.x)[:, 0])

    >>> import jax.numpy as jnp
    >>> x, y = jnp.array([[[1.0], [2.0]], [[6.0], [0.0]]]), jnp.zeros((2, 2), int)
    >>> three = Examples(x, y, None, 0, size=3, num_tiles=2)
    >>> float(mean_output(10.0, lambda params, x: params * x, three))
    30.0
    """

    _x: Array
    _y: Array
    _pool: Array | None
    _first: Array | int
    size: Array
    num_tiles: Array | int
    _alone: bool = field(default=False, metadata={"static": True})
    _rows: Array | None = None

    def __getattr__(self, name: str) -> Any:
        if name in ("x", "y"):
            raise AttributeError(
                f"Examples has no {name}, for they come in tiles: use examples.mean(f) or examples.sum(f), where f sees "
                f"tile.{name}"
            )
        raise AttributeError(name)

    def take(self, rows: Array, mask: Array) -> Tile:
        """Tile of the examples ``rows[B]`` of this run; ``mask`` is False for padding."""
        flat = self._first * self._x.shape[1] + rows
        x = self._x.reshape(-1, *self._x.shape[2:])[flat]
        y = self._y.reshape(-1, *self._y.shape[2:])[flat]
        own = None if self._rows is None else self._rows.reshape(-1)[flat]
        return masked_tile(x, y, mask, self._spare(), self._pool)._replace(rows=own)

    def tile(self, index: Array | int) -> Tile:
        """Tile ``index`` of this run, from 0."""
        mask = tile_mask(index, self._x.shape[1], self.size)
        if self._alone:
            return Tile(self._inputs(self._x[0]), self._y[0], mask, None if self._rows is None else self._rows[0])
        at = jnp.minimum(self._first + index, self._x.shape[0] - 1)
        own = None if self._rows is None else self._rows[at]
        return masked_tile(self._x[at], self._y[at], mask, self._spare(), self._pool)._replace(rows=own)

    def _inputs(self, x: Array) -> Array:
        return x if self._pool is None else self._pool[x]

    def _spare(self) -> tuple[Array, Array]:
        return self._x[self._first, 0], self._y[self._first, 0]

    def sum(self, function: Callable[[Tile], Any]) -> Any:
        """Sum a function of a tile, which returns any tree of arrays, over the tiles of this run, in 32 bits or wider.

        Examples
        --------
        >>> x, y = jnp.arange(4.0).reshape(2, 2, 1), jnp.zeros((2, 2), int)
        >>> float(Examples(x, y, None, 0, 3, 2).sum(lambda tile: tile.x.sum()))
        3.0
        """

        def part(tile: Tile) -> Any:
            return jax.tree.map(_wide_enough, function(tile))

        # Without a loop: on an accelerator each turn of a loop of unknown length is a word with the host.
        if self._alone:
            return part(self.tile(0))
        shapes = jax.eval_shape(part, jax.eval_shape(self.tile, jnp.int32(0)))
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.size, leaf.dtype), shapes)

        def add(index: Array, total: Any) -> Any:
            # Flat, because XLA's CPU loops run over the last axis, which is short in gradients.
            return jax.tree.map(lambda old, new: old + new.reshape(-1), total, part(self.tile(index)))

        total = jax.lax.fori_loop(0, self.num_tiles, add, zeros)
        return jax.tree.map(lambda leaf, like: leaf.reshape(like.shape), total, shapes)

    def fold(self, function: Callable[[Any, Tile], Any], initial: Any) -> Any:
        """Carry a tree of arrays through the tiles of this run in order, ``carry = function(carry, tile)``.

        The function must return the structure, shapes and dtypes of ``initial``, and leave the carry as it is where the mask of
        a tile is False throughout: a run may be given more tiles than it has.

        Examples
        --------
        >>> x, y = jnp.arange(4.0).reshape(2, 2, 1), jnp.zeros((2, 2), int)
        >>> largest = lambda carry, tile: jnp.maximum(carry, jnp.where(tile.mask, tile.x[:, 0], -jnp.inf).max())
        >>> float(Examples(x, y, None, 0, 3, 2).fold(largest, jnp.float32(-jnp.inf)))
        2.0
        """
        if self._alone:
            return function(initial, self.tile(0))
        return jax.lax.fori_loop(0, self.num_tiles, lambda index, carry: function(carry, self.tile(index)), initial)

    def mean(self, function: Callable[[Tile], Array]) -> Array:
        """Mean over the examples of a function that returns ``[B]`` for a tile."""
        return self.sum(lambda tile: tile.sum(function(tile))) / self.size


def _wide_enough(values: Array) -> Array:
    """Numbers in a dtype that holds their sum: NumPy's choice for integers and booleans."""
    values = wide(values)
    return values if jnp.issubdtype(values.dtype, jnp.inexact) or values.dtype.itemsize > 2 else values.astype(int)


def tile_mask(index: Array | int, width: int, size: Array) -> Array:
    """Mask ``bool[width]`` of the real examples in tile ``index`` of a run of ``size`` examples."""
    return index * width + jnp.arange(width) < size


def masked_tile(x: Array, y: Array, mask: Array, spare: tuple[Array, Array], pool: Array | None) -> Tile:
    """Tile in which an example of the same run replaces the padding.

    Padding is replaced before any function reads it, because its value could enter the gradient of a mask as 0 times
    infinity. A real example is safe; zeros are not, for a model that divides by the norm of its input.
    """
    x, y = _select(mask, x, spare[0]), _select(mask, y, spare[1])
    return Tile(x if pool is None else pool[x], y, mask)


def _select(mask: Array, values: Array, spare: Array) -> Array:
    return jnp.where(mask.reshape(-1, *(1,) * (values.ndim - 1)), values, spare)
