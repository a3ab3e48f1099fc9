"""Share of examples that are right: by the largest output for labels, by the sign for values of -1 and 1."""

from __future__ import annotations

import jax.numpy as jnp

from memjax.errors import InputError
from memjax.examples import Tile
from memjax.jax_settings import wide
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["accuracy", "sign_accuracy"]


def _accuracy(params: Params, apply: Apply, examples: Tile) -> Array:
    outputs = wide(apply(params, examples.x))
    correct = jnp.argmax(outputs, axis=-1) == examples.y
    # Outputs with NaN have no largest entry; argmax would name one, which may be right by chance.
    return jnp.where(jnp.isfinite(outputs).all(-1), correct, jnp.nan).astype(outputs.dtype)


accuracy = Measure(
    _accuracy, "accuracy", per_example=True, needs_labels=True, splits=("train", "test"), long_name="accuracy"
)
"""Share of examples classified right, between 0 and 1; ties go to the lower class.

Examples
--------
A network whose outputs are its inputs, on two examples of class 0:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, labels = jnp.array([[2.0, 1.0], [0.0, 3.0]]), jnp.array([0, 0])
>>> two = mj.Tile(outputs, labels, jnp.ones(2, bool))
>>> values = mj.measures.accuracy.function(None, lambda params, x: x, two)
>>> [round(float(value), 4) for value in values]
[1.0, 0.0]
"""


def _sign_accuracy(params: Params, apply: Apply, examples: Tile) -> Array:
    outputs, targets = wide(apply(params, examples.x)), examples.y
    if jnp.issubdtype(targets.dtype, jnp.integer) or targets.shape != outputs.shape:
        raise InputError(
            f"The measure 'sign_accuracy' needs a float target of -1 or 1 per output, but the targets are "
            f"{targets.dtype}{list(targets.shape)} for outputs {list(outputs.shape)}: use accuracy for class labels."
        )
    # Signs, not values: the product of two small numbers could be zero.
    right = (jnp.sign(outputs) * jnp.sign(targets) > 0).astype(outputs.dtype)
    # A NaN output has no sign; the comparison would count the output as wrong, as if there were a result.
    return jnp.where(jnp.isfinite(outputs), right, jnp.nan).reshape(outputs.shape[0], -1).mean(-1)


sign_accuracy = Measure(
    _sign_accuracy, "sign_accuracy", per_example=True, splits=("train", "test"), long_name="sign accuracy"
)
"""Share of outputs with the sign of their target, between 0 and 1; an output of zero is wrong.

Examples
--------
A network whose outputs are its inputs, on two examples with the target 1:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, targets = jnp.array([[0.5], [-2.0]]), jnp.array([[1.0], [1.0]])
>>> two = mj.Tile(outputs, targets, jnp.ones(2, bool))
>>> values = mj.measures.sign_accuracy.function(None, lambda params, x: x, two)
>>> [round(float(value), 4) for value in values]
[1.0, 0.0]
"""
