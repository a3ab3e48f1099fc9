"""What a training step minimises, as a function of the parameters of one run, for rules that look at it.

A gradient is summed tile by tile, and never taken through a loop over tiles. So the function that a rule is given brings its
own derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from memjax.engine.program.forward import losses_in_training
from memjax.engine.program.fresh import fresh_tile
from memjax.engine.program.penalised import penalty_and_slope, penalty_of
from memjax.engine.program.program import Hyper, Program
from memjax.engine.program.vectors import as_held_one, as_tree_one
from memjax.examples import Examples, Tile
from memjax.jax_settings import wide
from memjax.parameter_trees import alone
from memjax.random.minibatches import PAD
from memjax.types import Array, Params

__all__ = ["StepData", "batch_count", "descent", "loss_sum", "minibatch", "objective"]


class StepData(NamedTuple):
    """What the objective of a step of one run depends on beside the parameters; None for what no rule asks for.

    Attributes
    ----------
    hyper
        Numbers of the run, with the key of the step.
    examples, rows
        Train examples, and the rows ``int32[B]`` of a minibatch; None for all.
    source
        Where the fresh examples of the step come from; None for runs with a train set.
    initial
        Initial parameters, a tree.
    count
        Number of examples by which the sum of their gradients was divided.
    """

    hyper: Any = None
    examples: Any = None
    rows: Any = None
    initial: Any = None
    source: Any = None
    count: Any = None


def loss_sum(program: Program) -> Callable[[Params, Hyper, Tile], Array]:
    """The training loss, summed over a tile."""

    def total(params: Params, hyper: Hyper, tile: Tile) -> Array:
        return tile.sum(losses_in_training(program, hyper, params, tile)[0])

    return total


def minibatch(examples: Examples, rows: Array) -> Tile:
    """Tile of the rows ``int32[B]`` of a minibatch."""
    mask = rows != PAD
    return examples.take(jnp.where(mask, rows, 0), mask)


def batch_count(program: Program, rows: Array) -> Array:
    """Number ``int32[...]`` by which sums over minibatches ``[..., B]`` are divided: that of their rows, or of all alike."""
    count = (rows != PAD).sum(-1)
    return count if program.expected is None else jnp.full_like(count, program.expected)


def descent(leaf: Array) -> Array:
    """JAX's derivative as the direction in which the loss grows: its conjugate, for complex parameters."""
    return leaf.conj() if jnp.iscomplexobj(leaf) else leaf


def objective(program: Program, live: Any, data: StepData) -> Callable[[Params], Array]:
    """What a step of one run minimises, as a function of parameters in the form of the loop, with its derivative.

    In padding, where ``live`` is zero, the derivative is zero.
    """
    summed = loss_sum(program)

    @jax.custom_jvp
    def value(held: Params) -> Array:
        params = as_tree_one(program, held)
        value = _scaled(data, _mean(program, data, lambda tile: summed(params, data.hyper, tile)))
        if program.penalty is not None:
            value = value + penalty_of(program, data.hyper, data.initial)(params).astype(value.dtype)
        return value

    def with_slope(primals: tuple[Params], tangents: tuple[Params]) -> tuple[Array, Array]:
        params = as_tree_one(program, primals[0])
        loss, slope = _mean(program, data, lambda tile: jax.value_and_grad(summed)(params, data.hyper, tile))
        slope = alone(as_held_one(program, jax.tree.map(lambda leaf: _scaled(data, leaf), slope)), live)
        value = _scaled(data, loss)
        if program.penalty is not None:
            penalty, more = penalty_and_slope(program, data.hyper, live, primals[0], data.initial)
            value, slope = value + penalty.astype(value.dtype), jax.tree.map(jnp.add, slope, more)
        along = jax.tree.map(lambda leaf, change: jnp.sum(leaf * change).real, slope, tangents[0])
        return value, sum(jax.tree.leaves(along), start=jnp.zeros(())).astype(value.dtype)

    value.defjvp(with_slope)
    return value


def _mean(program: Program, data: StepData, function: Callable[[Tile], Any]) -> Any:
    """Mean over the examples of a step, in float32 or wider, of what a function sums over a tile."""
    examples, rows = data.examples, data.rows
    if data.source is not None:
        tile = fresh_tile(program, data.hyper, data.source)
        total, count = function(tile), jnp.int32(len(tile.y))
    elif rows is None:
        total, count = examples.sum(function), examples.size
    else:
        total, count = function(minibatch(examples, rows)), batch_count(program, rows)
    return jax.tree.map(lambda leaf: wide(leaf) / count.astype(wide(leaf).dtype), total)


def _scaled(data: StepData, leaf: Array) -> Array:
    return leaf * data.hyper["loss_scale"].astype(leaf.dtype)
