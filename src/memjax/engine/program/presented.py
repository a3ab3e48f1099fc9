"""Values of single examples at their presentations: in a training step, of the examples that it trains on, before its update.

The values come from the forward pass of the gradient, so that a step has no further one. What is kept is a fold of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from memjax.engine.program.copies import Copies
from memjax.engine.program.forward import losses_in_training
from memjax.engine.program.outcome import Status
from memjax.engine.program.program import Hyper, Program
from memjax.engine.program.tile_owners import of_tiles
from memjax.engine.program.tiles import Schedule, Tiles
from memjax.examples import Tile
from memjax.measures.folds import FOLDS, Fold
from memjax.random.minibatches import PAD
from memjax.types import Array, Params

__all__ = ["after_presentations", "loss_and_values"]

Memory = tuple[Array, ...]
"""Memory ``[T, B]`` of a fold."""


def loss_and_values(program: Program) -> Callable[[Params, Hyper, Tile], tuple[Array, dict[str, Array]]]:
    """The loss summed over a tile, and the values ``[B]`` of its examples by name; none where no presentation is watched."""

    def total(params: Params, hyper: Hyper, tile: Tile) -> tuple[Array, dict[str, Array]]:
        losses, outputs = losses_in_training(program, hyper, params, tile)
        return tile.sum(losses), _values(program, hyper, params, tile, outputs)

    return total


def _values(program: Program, hyper: Hyper, params: Params, tile: Tile, outputs: Array) -> dict[str, Array]:
    # A measure has no part in the gradient.
    still, given = jax.lax.stop_gradient((params, outputs)) if program.presented else (params, outputs)

    def apply(parameters: Params, x: Array) -> Array:
        return given if parameters is still and x is tile.x else program.apply_with(hyper)(parameters, x)

    loss = program.loss_with(hyper)
    return {part.name: part.measure.bind(loss)(still, apply, tile) for part in program.presented}


def after_presentations(
    program: Program, schedule: Schedule, data: Any, state: Any, rows: Array | None, values: dict[str, Array]
) -> Any:
    """What is watched, after the presentations of a step.

    Parameters
    ----------
    data, state
        Data of the block, and its state before the step.
    rows
        The minibatch ``[R, B]``; None for full batch.
    values
        Values by name, ``[R, B]``, or ``[T, B]`` for full batch.
    """
    if not program.presented:
        return state.watch
    running, step = state.status == Status.RUNNING, state.stop_step + 1
    if rows is None:
        at, (running, step) = None, of_tiles(schedule, data.train, (running, step))
    else:
        at, running, step = _places(data.train, rows), running[:, None] & (rows != PAD), step[:, None]
    folds = dict(state.watch.folds)
    for name, (part, _) in program.example_variables.items():
        if part.presented:
            value = values[part.name].astype(jnp.float32)
            folds[name] = _folded(FOLDS[str(part.over)], folds[name], (value, step, running), at, data.copies)
    return state.watch._replace(folds=folds)


def _places(tiles: Tiles, rows: Array) -> Array:
    """Places ``[R, B]`` of the rows of a minibatch among all places of the packed train examples."""
    return tiles.first[:, None] * tiles.y.shape[1] + jnp.maximum(rows, 0)


def _folded(
    fold: Fold, memory: Memory, seen: tuple[Array, Array, Array], at: Array | None, copies: Copies | None
) -> Memory:
    """Memory after values, steps, and whether the place is presented at all, of the places ``at``, or of all."""
    value, step, running = seen
    if at is None and copies is None:
        following = fold.update(memory, value, step)
        return tuple(jnp.where(running, new, old) for new, old in zip(following, memory, strict=True))
    beyond = memory[0].size
    places = jnp.arange(beyond).reshape(memory[0].shape) if at is None else at
    if copies is None:
        return _scattered(fold, memory, value, step, jnp.where(running, places, beyond))
    home, number = copies.home.reshape(-1)[places], copies.number.reshape(-1)[places]

    # Copies of a row may be presented in one step: they are one after another, the first copy first.
    def of_copy(count: Any, memory: Memory) -> Memory:
        return _scattered(fold, memory, value, step, jnp.where(running & (number == count), home, beyond))

    found: Memory = jax.lax.fori_loop(0, copies.most, of_copy, memory)
    return found


def _scattered(fold: Fold, memory: Memory, value: Array, step: Array, places: Array) -> Memory:
    """Memory with new values at some places, each of which is there once; those behind the last place are left out."""
    flat = [part.reshape(-1) for part in memory]
    before = tuple(part.at[places].get(mode="clip") for part in flat)
    following = fold.update(before, value, jnp.broadcast_to(step, value.shape))
    put = (part.at[places].set(new, mode="drop") for part, new in zip(flat, following, strict=True))
    return tuple(part.reshape(memory[0].shape) for part in put)
