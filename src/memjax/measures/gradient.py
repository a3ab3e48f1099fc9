"""Norm of the gradient of the train loss."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.examples import Examples, Tile
from memjax.measures.measure import Measure
from memjax.measures.norms import squared_norm
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["gradient_norm"]


def _gradient_norm(params: Params, apply: Apply, examples: Examples, *, loss: LossFn) -> Array:
    def total(params: Params, tile: Tile) -> Array:
        return tile.sum(loss(apply(params, tile.x), tile.y))

    gradient = examples.sum(lambda tile: jax.grad(total)(params, tile))
    return jnp.sqrt(squared_norm(gradient)) / examples.size


gradient_norm = Measure(_gradient_norm, "gradient_norm", long_name="L2 norm of the gradient of the train loss")
"""Euclidean norm of the gradient of the mean (unscaled) loss over the whole train split; costs one step per record."""
