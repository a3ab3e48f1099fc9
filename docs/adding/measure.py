# Recorded measures to copy. In a project of your own: put the file anywhere, and add no line elsewhere.
# In memjax: copy it to src/memjax/measures/recorded/predictions.py, and add two lines to src/memjax/measures/__init__.py:
#     from memjax.measures.recorded.predictions import output_entropy, prediction_information
#     "output_entropy", "prediction_information",  in __all__
"""How sure the predictions are, and how much they differ between examples."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.examples import Examples, Tile
from memjax.jax_settings import wide
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["output_entropy", "prediction_information"]


def _entropy(probabilities: Array) -> Array:
    """Entropy ``[...]`` of probabilities ``[..., C]``, in nats.

    Examples
    --------
    >>> [round(float(entropy), 4) for entropy in _entropy(jnp.array([[0.5, 0.5], [1.0, 0.0]]))]
    [0.6931, 0.0]
    """
    return jax.scipy.special.entr(probabilities).sum(-1)


# A measure per example: a value for each row of a tile, which memjax averages over a split.


def _output_entropy(params: Params, apply: Apply, examples: Tile) -> Array:
    return _entropy(jax.nn.softmax(wide(apply(params, examples.x))))


output_entropy = Measure(
    _output_entropy,
    "output_entropy",
    per_example=True,
    splits=("train", "test"),
    long_name="mean entropy of the predicted class",
    units="nats",
)
"""Mean over a split of the entropy of softmax(f(x)): ln C where the network is undecided, 0 where the network is sure."""


# A measure of all examples: what is no mean over examples, but a function of such means.


def _prediction_information(params: Params, apply: Apply, examples: Examples) -> Array:
    def part(tile: Tile) -> tuple[Array, Array]:
        shares = jax.nn.softmax(wide(apply(params, tile.x)))
        # tile.sum leaves the padding out of values [B]; of any other shape, the mask has to do so.
        return jnp.where(tile.mask[:, None], shares, 0).sum(0), tile.sum(_entropy(shares))

    shares, entropies = examples.sum(part)
    return _entropy(shares / examples.size) - entropies / examples.size


prediction_information = Measure(
    _prediction_information,
    "prediction_information",
    splits=("train", "test"),
    long_name="information of an example about its predicted class",
    units="nats",
)
"""Mutual information of example and predicted class, H(mean of p) - mean of H(p): 0 where all examples have one prediction.

The logarithm of the inception score (T. Salimans et al., "Improved techniques for training GANs", 2016); at most ln C.
"""
