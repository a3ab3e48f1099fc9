"""Gradients of single examples that are shortened to one length before they are summed, for differentially private rules.

The sum of the shortened gradients is the gradient of the losses, each times the factor that shortens its gradient. So only the
lengths of single gradients are needed. Of dense layers they follow without the gradients themselves (Goodfellow 2015,
arXiv:1510.01799): the gradient of a kernel is the outer product of an input and an error, and its length is the product of
their lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from memjax.engine.program.forward import losses_in_training
from memjax.engine.program.presented import loss_and_values
from memjax.engine.program.program import Hyper, Program
from memjax.examples import Tile
from memjax.jax_settings import wide
from memjax.models import MLP
from memjax.models.layers import flat_inputs
from memjax.types import Array, Params

__all__ = ["example_norms", "gradient_sum"]

Gradient = Callable[[Params, Hyper, Tile], tuple[tuple[Array, dict[str, Array]], Params]]


def gradient_sum(program: Program) -> Gradient:
    """The loss, summed over a tile, with the values of its examples, and the sum of their gradients, clipped if need be."""
    function = loss_and_values(program)
    if not program.optimizer.clips_examples:
        return jax.value_and_grad(function, has_aux=True)

    def clipped(params: Params, hyper: Hyper, tile: Tile) -> tuple[tuple[Array, dict[str, Array]], Params]:
        factors = _factors(program, params, hyper, tile)

        def weighted(params: Params) -> tuple[Array, Any]:
            losses, _ = losses_in_training(program, hyper, params, tile)
            return tile.sum(factors * losses), function(params, hyper, tile)

        gradient, seen = jax.grad(weighted, has_aux=True)(params)
        return seen, gradient

    return clipped


def _factors(program: Program, params: Params, hyper: Hyper, tile: Tile) -> Array:
    """What the gradient of each example ``[B]`` is multiplied by; not above 1."""
    norms = example_norms(program, params, hyper, tile)
    # The gradient is multiplied by the scale of the loss afterwards.
    most = program.optimizer_with(hyper).hyperparameters["clip_norm"] / abs(hyper["loss_scale"])
    return jnp.where(norms > most, most / jnp.where(norms > 0, norms, 1), 1).astype(norms.dtype)


def example_norms(program: Program, params: Params, hyper: Hyper, tile: Tile) -> Array:
    """Length ``[B]`` of the gradient of every example's loss, in float32 or wider."""
    model = program.model
    # A loss that sees layers hangs on parameters by other ways than through the outputs.
    if isinstance(model, MLP) and model.bias and not model.draws and not program.loss_sees:
        return _of_dense(program, params, hyper, tile)
    gradient = _single(program, hyper, tile)(params, {})
    return jnp.sqrt(sum(jax.tree.leaves(jax.tree.map(_square, gradient))))


def _of_dense(program: Program, params: Params, hyper: Hyper, tile: Tile) -> Array:
    biases = {layer: arrays["bias"] for layer, arrays in params.items()}
    kernels = {layer: arrays["kernel"] for layer, arrays in params.items()}
    # The gradient of a bias is the error of its unit.
    errors = _single(program, hyper, tile)(biases, kernels)
    model: Any = program.model_with(hyper)
    inputs = [flat_inputs(tile.x), *model.hidden_activations(params, tile.x).values()]
    layers = [f"layer_{i}" for i in range(len(inputs))]
    squares = [_square(errors[layer]) * (_square(into) + 1) for layer, into in zip(layers, inputs, strict=True)]
    return jnp.sqrt(sum(squares, start=jnp.zeros(())))


def _single(program: Program, hyper: Hyper, tile: Tile) -> Callable[[Params, Params], Params]:
    """The gradients ``[B, ...]`` of single losses by parameters, which are all of them, or biases beside given kernels."""

    def loss(params: Params, kernels: Params, x: Array, y: Array, row: Any) -> Array:
        whole = {name: {"kernel": kernels[name], "bias": params[name]} for name in kernels} if kernels else params
        one = Tile(x[None], y[None], jnp.ones(1, bool), None if row is None else row[None])
        return losses_in_training(program, hyper, whole, one)[0][0]

    axes = (None, None, 0, 0, None if tile.rows is None else 0)
    return lambda params, kernels: jax.vmap(jax.grad(loss), axes)(params, kernels, tile.x, tile.y, tile.rows)


def _square(values: Array) -> Array:
    """Sum of squares ``[B]`` over all axes but the first."""
    return jnp.square(abs(wide(values)).reshape(len(values), -1)).sum(1)
