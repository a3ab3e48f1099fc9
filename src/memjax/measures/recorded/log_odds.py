"""Log-odds of the label: the statistic of attribution and of attacks on membership."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.examples import Tile
from memjax.jax_settings import wide
from memjax.losses import is_label
from memjax.measures.measure import Measure
from memjax.measures.recorded.margin import label_and_others
from memjax.types import Apply, Array, Params

__all__ = ["el2n", "log_odds"]


def _log_odds(params: Params, apply: Apply, examples: Tile) -> Array:
    outputs = wide(apply(params, examples.x))
    label, others = label_and_others(outputs, examples.y)
    return label - jax.nn.logsumexp(others, axis=-1)


log_odds = Measure(
    _log_odds,
    "log_odds",
    per_example=True,
    needs_labels=True,
    splits=("train", "test"),
    long_name="mean log-odds of the label",
    units="nats",
)
"""Mean over a split of log(p_y / (1 - p_y)) = f_y - log sum_{c != y} exp(f_c).

Carlini et al. (2022, "Membership inference attacks from first principles") and Park et al. (2023, "TRAK") compare networks by
this number, because its distribution over networks is close to normal.

Examples
--------
A network whose outputs are its inputs: with three equal outputs the odds are 1 to 2.

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, labels = jnp.array([[0.0, 0.0, 0.0], [3.0, 2.0, -50.0]]), jnp.array([0, 0])
>>> two = mj.Tile(outputs, labels, jnp.ones(2, bool))
>>> values = mj.measures.log_odds.function(None, lambda params, x: x, two)
>>> [round(float(value), 4) for value in values]
[-0.6931, 1.0]
"""


def _el2n(params: Params, apply: Apply, examples: Tile) -> Array:
    outputs = wide(apply(params, examples.x))
    return jnp.sqrt(jnp.square(jax.nn.softmax(outputs) - is_label(outputs, examples.y)).sum(-1))


el2n = Measure(
    _el2n,
    "el2n",
    per_example=True,
    needs_labels=True,
    splits=("train", "test"),
    long_name="mean norm of the error vector",
)
"""Mean over a split of the Euclidean distance between probabilities and one-hot label.

EL2N of Paul et al. (2021, "Deep learning on a data diet"), who average over networks early in training.

Examples
--------
A network whose outputs are its inputs is undecided on the first example, and right about the second:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, labels = jnp.array([[0.0, 0.0], [50.0, 0.0]]), jnp.array([0, 0])
>>> two = mj.Tile(outputs, labels, jnp.ones(2, bool))
>>> values = mj.measures.el2n.function(None, lambda params, x: x, two)
>>> [round(float(value), 4) for value in values]
[0.7071, 0.0]
"""
