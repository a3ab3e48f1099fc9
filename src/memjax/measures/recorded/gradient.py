"""Norm of the gradient of the train loss, and the gradients that other measures are made of."""

from __future__ import annotations

from collections.abc import Callable

import jax

from memjax.examples import Examples, Tile
from memjax.losses import of_examples
from memjax.measures.measure import Measure
from memjax.parameter_trees import norm
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["gradient_norm", "tile_gradient"]


def tile_gradient(apply: Apply, loss: LossFn) -> Callable[[Params, Tile], Params]:
    """Gradient, in the parameters, of the loss summed over the real examples of a tile.

    Examples
    --------
    >>> gradient = tile_gradient(lambda w, x: x * w, lambda outputs, targets: (outputs - targets)[:, 0] ** 2)
    >>> x, y, mask = (jax.numpy.array(part) for part in ([[1.0], [2.0]], [[0.0], [0.0]], [True, True]))
    >>> float(gradient(jax.numpy.array(3.0), Tile(x, y, mask)))  # 2 * 3 * (1 + 4)
    30.0
    """

    def total(params: Params, tile: Tile) -> Array:
        return tile.sum(of_examples(loss, apply, params, tile.x, tile.y))

    return jax.grad(total)


def _gradient_norm(params: Params, apply: Apply, examples: Examples, *, loss: LossFn) -> Array:
    gradient = tile_gradient(apply, loss)
    return norm(examples.sum(lambda tile: gradient(params, tile))) / examples.size


gradient_norm = Measure(_gradient_norm, "gradient_norm", long_name="L2 norm of the gradient of the train loss")
"""Euclidean norm of the gradient of the mean (unscaled) loss over the whole train split; costs one step per record.

Examples
--------
The mean loss of the outputs w x on the inputs 1 and 2 is 2.5 w^2, with the gradient 5 w:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> examples = mj.Examples(jnp.array([[[1.0], [2.0]]]), jnp.array([[[0.0], [0.0]]]), None, 0, size=2, num_tiles=1)
>>> norm = mj.measures.gradient_norm.function(jnp.array(3.0), lambda w, x: w * x, examples, loss=mj.losses.mse)
>>> float(norm)
15.0
"""
