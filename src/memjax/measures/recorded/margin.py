"""Logit margin: how far the output of the label is above the largest other output."""

from __future__ import annotations

import jax.numpy as jnp

from memjax.examples import Tile
from memjax.jax_settings import wide
from memjax.losses import is_label
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["logit_margin"]


def _margin(params: Params, apply: Apply, examples: Tile) -> Array:
    outputs = wide(apply(params, examples.x))
    chosen = is_label(outputs, examples.y)
    label = jnp.where(chosen, outputs, 0).sum(-1)
    margin = label - jnp.where(chosen, -jnp.inf, outputs).max(-1)
    # XLA's maximum over a large array skips NaN on a CPU (JAX 0.10.2).
    return jnp.where(jnp.isnan(outputs).any(-1), jnp.nan, margin)


logit_margin = Measure(
    _margin,
    "logit_margin",
    per_example=True,
    needs_labels=True,
    splits=("train", "test"),
    long_name="mean logit margin",
    units="logits",
)
"""Mean over a split of f_y - max_{j != y} f_j, which is positive for an example that is classified right."""
