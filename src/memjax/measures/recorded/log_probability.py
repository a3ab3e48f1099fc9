"""Mean log-probability over all classes: how far a network is from being undecided, whatever the labels."""

from __future__ import annotations

import jax

from memjax.examples import Tile
from memjax.jax_settings import wide
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["log_probability"]


def _log_probability(params: Params, apply: Apply, examples: Tile) -> Array:
    return jax.nn.log_softmax(wide(apply(params, examples.x))).mean(-1)


log_probability = Measure(
    _log_probability,
    "log_probability",
    per_example=True,
    splits=("train", "test"),
    long_name="mean log-probability of all classes",
    units="nats",
)
"""Mean over examples and over all classes c of log p(c | x), without labels.

An undecided network has -ln C, the largest possible value.

Examples
--------
A network whose outputs are its inputs is undecided on the first example, and sure of the second:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, labels = jnp.array([[0.0, 0.0, 0.0, 0.0], [50.0, 0.0, 0.0, 0.0]]), jnp.array([0, 0])
>>> two = mj.Tile(outputs, labels, jnp.ones(2, bool))
>>> values = mj.measures.log_probability.function(None, lambda params, x: x, two)
>>> [round(float(value), 4) for value in values]
[-1.3863, -37.5]
"""
