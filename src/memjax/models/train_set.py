"""A train set kept as parameters, and exact comparisons of inputs with its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.errors import InputError
from memjax.examples import Examples, Tile
from memjax.models.layers import flat_inputs, flat_struct
from memjax.models.target_rows import outputs_of, target_rows
from memjax.types import Array, Params

__all__ = ["check_room", "compared", "empty", "kept"]

# Features that one turn of the loop compares: few enough for registers, and more turns would pass over the sums more often.
_AT_ONCE = 8


def check_room(model: Any, train_size: int) -> None:
    """Raise `InputError` where a train set does not fit into the room of a model."""
    if model.room is not None and model.room < train_size:
        raise InputError(
            f"{type(model).__name__}.room is {model.room}, less than train_size = {train_size}: give the largest train size, "
            "or None for each run's own."
        )


def empty(model: Any, x: Array) -> Params:
    """Room for a train set with inputs like ``x[B, ...]``: ``live [room]``, ``x [room, D]``, ``y [room, C]``, all zeros."""
    if model.room is None:
        raise InputError(f"{type(model).__name__}.room is None: give the train size, or let an experiment set it.")
    inputs = flat_struct(x)
    shapes = {"live": (), "x": (inputs.shape[1],), "y": (outputs_of(model),)}
    return {name: np.zeros((model.room, *shape), inputs.dtype) for name, shape in shapes.items()}


def kept(params: Params, examples: Examples) -> Params:
    """The train set in its own order, in the arrays of `empty`: ``live`` is one for its rows and zero for free room."""
    room, outputs = params["y"].shape

    def put(carry: tuple[Params, Array], tile: Tile) -> tuple[Params, Array]:
        arrays, count = carry
        # Padding points behind the room, where nothing is kept.
        at = jnp.where(tile.mask, count + jnp.arange(len(tile.mask)), room)
        x = flat_inputs(tile.x)
        rows = {"live": jnp.ones(len(x)), "x": x, "y": target_rows(tile.y, outputs, x.dtype)}
        put_in = lambda old, new: old.at[at].set(new.astype(old.dtype), mode="drop")  # noqa: E731
        return jax.tree.map(put_in, arrays, rows), count + tile.mask.sum(dtype=jnp.int32)

    return examples.fold(put, (jax.tree.map(jnp.zeros_like, params), jnp.int32(0)))[0]


def compared(x: Array, rows: Array, entry: Callable[[Array, Array], Array]) -> Array:
    """Sums ``[B, room]`` over the features of ``entry(feature of x[B, D], feature of rows[room, D])``, in one fixed order.

    A matrix product takes about as long, and of ``|x|^2 + |z|^2 - 2 x.z`` nothing certain is left where x is z: rows would not
    find themselves at zero, and equal rows would be at different distances. ``entry`` must be zero for two zeros.

    Examples
    --------
    >>> compared(jnp.array([[1.0, 2.0]]), jnp.array([[1.0, 2.0], [0.0, 0.0]]), lambda a, b: jnp.square(a - b)).tolist()
    [[0.0, 5.0]]
    """
    one, two = (_parts(array) for array in (x, rows))

    def add(index: Array, total: Array) -> Array:
        for place in range(one.shape[1]):
            total = total + entry(one[index, place][:, None], two[index, place][None, :])
        return total

    return jax.lax.fori_loop(0, len(one), add, jnp.zeros((len(x), len(rows)), x.dtype))


def _parts(array: Array) -> Array:
    """Features ``[N, D]`` as ``[parts, features of a part, N]``, with zeros at the end."""
    width = min(_AT_ONCE, array.shape[1])
    padded = jnp.pad(array, ((0, 0), (0, -array.shape[1] % width)))
    return padded.T.reshape(-1, width, len(array))
