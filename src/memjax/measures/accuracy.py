"""Share of examples whose largest output is the label's."""

from __future__ import annotations

import jax.numpy as jnp

from memjax.examples import Tile
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["accuracy"]


def _accuracy(params: Params, apply: Apply, examples: Tile) -> Array:
    outputs = apply(params, examples.x)
    correct = jnp.argmax(outputs, axis=-1) == examples.y
    # A NaN output has no largest entry; argmax would name one and count it right by chance.
    return jnp.where(jnp.isfinite(outputs).all(-1), correct, jnp.nan).astype(outputs.dtype)


accuracy = Measure(
    _accuracy, "accuracy", per_example=True, needs_labels=True, splits=("train", "test"), long_name="accuracy"
)
"""Share of examples classified right, between 0 and 1; ties go to the lower class."""
