"""Norm of the gradient of the train loss, and the gradients that other measures are made of."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from memjax.examples import Examples, Tile
from memjax.measures.measure import Measure
from memjax.measures.norms import squared_norm
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["gradient_norm", "tile_gradient", "unit"]


def tile_gradient(apply: Apply, loss: LossFn) -> Callable[[Params, Tile], Params]:
    """Gradient, in the parameters, of the loss summed over the real examples of a tile.

    Examples
    --------
    >>> gradient = tile_gradient(lambda w, x: x * w, lambda outputs, targets: (outputs - targets)[:, 0] ** 2)
    >>> x, y, mask = jnp.array([[1.0], [2.0]]), jnp.zeros((2, 1)), jnp.array([True, True])
    >>> float(gradient(jnp.array(3.0), Tile(x, y, mask)))  # 2 * 3 * (1 + 4)
    30.0
    """

    def total(params: Params, tile: Tile) -> Array:
        return tile.sum(loss(apply(params, tile.x), tile.y))

    return jax.grad(total)


def unit(vector: Array) -> tuple[Array, Array]:
    """Direction and length of a vector ``[P]``; one of zeros has no direction and stays as it is.

    Examples
    --------
    >>> direction, length = unit(jnp.array([3e-30, 4e-30]))
    >>> [f"{value:.1f}" for value in direction], f"{length:.0e}"
    (['0.6', '0.8'], '5e-30')
    """
    # By the largest entry first: squares of gradients below 1e-19 or above 1e19 are out of the range of float32.
    largest = jnp.abs(vector).max()
    vector = vector / jnp.where(largest == 0, 1, largest)
    norm = jnp.sqrt(jnp.square(vector).sum())
    return vector / jnp.where(norm == 0, 1, norm), largest * norm


def _gradient_norm(params: Params, apply: Apply, examples: Examples, *, loss: LossFn) -> Array:
    gradient = tile_gradient(apply, loss)
    return jnp.sqrt(squared_norm(examples.sum(lambda tile: gradient(params, tile)))) / examples.size


gradient_norm = Measure(_gradient_norm, "gradient_norm", long_name="L2 norm of the gradient of the train loss")
"""Euclidean norm of the gradient of the mean (unscaled) loss over the whole train split; costs one step per record."""
