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
"""N (ln C - mean cross-entropy) / ln 2 on the train split: the saving over uniform guessing (Liu, "Memory 2")."""
