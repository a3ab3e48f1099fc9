"""Logit margin: how far the output of the label is above the largest other output."""

from __future__ import annotations

import jax.numpy as jnp

from memjax.examples import Tile
from memjax.jax_settings import wide
from memjax.losses import is_label
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["label_and_others", "logit_margin"]


def label_and_others(outputs: Array, labels: Array) -> tuple[Array, Array]:
    """Output ``[B]`` of the label, and all outputs ``[B, C]`` with minus infinity in place of the label's.

    Examples
    --------
    >>> label, others = label_and_others(jnp.array([[3.0, 1.0]]), jnp.array([0]))
    >>> label.tolist(), others.tolist()
    ([3.0], [[-inf, 1.0]])
    """
    chosen = is_label(outputs, labels)
    return jnp.where(chosen, outputs, 0).sum(-1), jnp.where(chosen, -jnp.inf, outputs)


def _margin(params: Params, apply: Apply, examples: Tile) -> Array:
    outputs = wide(apply(params, examples.x))
    label, others = label_and_others(outputs, examples.y)
    margin = label - others.max(-1)
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
"""Mean over a split of f_y - max_{j != y} f_j, which is positive for an example that is classified right.

Examples
--------
A network whose outputs are its inputs, on two examples of class 0:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, labels = jnp.array([[2.0, 1.0], [0.0, 3.0]]), jnp.array([0, 0])
>>> two = mj.Tile(outputs, labels, jnp.ones(2, bool))
>>> values = mj.measures.logit_margin.function(None, lambda params, x: x, two)
>>> [round(float(value), 4) for value in values]
[1.0, -3.0]
"""
