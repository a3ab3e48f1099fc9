"""Sensitivity of the loss of an example to the example itself."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.errors import InputError
from memjax.examples import Tile
from memjax.jax_settings import wide
from memjax.losses import of_examples
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["loss_sensitivity"]


def _loss_sensitivity(params: Params, apply: Apply, examples: Tile, *, loss: LossFn) -> Array:
    x = examples.x
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise InputError(
            f"The measure 'loss_sensitivity' is a derivative in the inputs, and the inputs are {x.dtype}: use a task whose "
            "inputs are floats."
        )

    # A row of the outputs hangs on the same row of the inputs alone, so one gradient of the sum has the gradients of all rows.
    def total(inputs: Array) -> Array:
        return wide(of_examples(loss, apply, params, inputs, examples.y)).sum()

    slopes = wide(jax.grad(total)(x))
    return jnp.abs(slopes).reshape(len(x), -1).sum(-1)


loss_sensitivity = Measure(
    _loss_sensitivity,
    "loss_sensitivity",
    per_example=True,
    splits=("train", "test"),
    long_name="mean sensitivity of the loss to the input",
)
"""Mean over a split of the sum of absolute derivatives of an example's loss in its input, ||d loss / d x||_1.

Arpit et al. (2017, arXiv:1706.05394, "loss-sensitivity") average the value of an example over training steps, which
``by_example(loss_sensitivity, over="mean")`` does over records. For a linear softmax with weights ``W[features, C]`` the value
is ||W (p - e_y)||_1. The inputs must be floats. The measure costs one more gradient in the inputs.

Examples
--------
The loss (3 x)^2 of one input has the derivative 18 x:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> two = mj.Tile(jnp.array([[1.0], [-2.0]]), jnp.zeros((2, 1)), jnp.ones(2, bool))
>>> mj.measures.loss_sensitivity.function(3.0, lambda w, x: w * x, two, loss=mj.losses.mse).tolist()
[18.0, 36.0]
"""
