"""Entropy of the predicted probabilities: how undecided a network is, whatever the labels."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.examples import Tile
from memjax.jax_settings import wide
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["prediction_entropy"]


def _prediction_entropy(params: Params, apply: Apply, examples: Tile) -> Array:
    logs = jax.nn.log_softmax(wide(apply(params, examples.x)))
    return -(jnp.exp(logs) * logs).sum(-1)


prediction_entropy = Measure(
    _prediction_entropy,
    "prediction_entropy",
    per_example=True,
    splits=("train", "test"),
    long_name="mean entropy of the predicted probabilities",
    units="nats",
)
"""Mean over examples of -sum_c p(c | x) ln p(c | x), without labels, from 0 (sure) to ln C (undecided).

Jiang et al. (2020, arXiv:1912.02178) take the entropy after training as a measure of complexity.

Examples
--------
A network whose outputs are its inputs is undecided on the first example, and sure of the second:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, labels = jnp.array([[0.0, 0.0, 0.0, 0.0], [50.0, 0.0, 0.0, 0.0]]), jnp.array([0, 0])
>>> two = mj.Tile(outputs, labels, jnp.ones(2, bool))
>>> values = mj.measures.prediction_entropy.function(None, lambda params, x: x, two)
>>> [round(float(value), 4) for value in values]
[1.3863, 0.0]
"""
