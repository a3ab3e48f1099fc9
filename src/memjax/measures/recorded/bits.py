"""Bits of the labels that the network has stored."""

from __future__ import annotations

import math

import jax.numpy as jnp

from memjax.examples import Tile
from memjax.losses import cross_entropy
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["memorized_bits"]


def _bits(params: Params, apply: Apply, examples: Tile) -> Array:
    outputs = apply(params, examples.x)
    nats = math.log(outputs.shape[-1]) - cross_entropy(outputs, examples.y)
    return nats / jnp.asarray(math.log(2), nats.dtype)


memorized_bits = Measure(
    _bits,
    "memorized_bits",
    per_example=True,
    needs_labels=True,
    reduce="sum",
    long_name="memorised label information",
    units="bits",
)
"""Bits of the labels of the train split that a network saves over uniform guessing, N (ln C - mean cross-entropy) / ln 2.

N is the number of train examples, and C the number of classes. The measure is that of Ziming Liu, "Memory 2: how many bits does
each parameter store?" (blog post, 2026, https://kindxiaoming.github.io/blog/2026/memory-2).

Examples
--------
A network whose outputs are its inputs is undecided on the first example, and sure of the second:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, labels = jnp.array([[0.0, 0.0, 0.0, 0.0], [50.0, 0.0, 0.0, 0.0]]), jnp.array([0, 0])
>>> two = mj.Tile(outputs, labels, jnp.ones(2, bool))
>>> values = mj.measures.memorized_bits.function(None, lambda params, x: x, two)
>>> [round(float(value), 4) for value in values]
[0.0, 2.0]
"""
