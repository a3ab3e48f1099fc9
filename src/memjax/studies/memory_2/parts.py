"""Network of the publication: a block of two layers with a linear head."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import jax

from memjax.models import activations, dense, initializers
from memjax.types import Array, Params

__all__ = ["BlockWithHead"]


@dataclass(frozen=True)
class BlockWithHead:
    """The post's two-layer network: D -> width -> D with one activation, then a linear head; no biases.

    Parameters
    ----------
    width
        Hidden width W.
    activation
        Name of the activation after the first layer. There is none between the second and the head, as in a transformer.
    outputs
        Width of the head.

    Examples
    --------
    >>> import numpy as np
    >>> params = BlockWithHead(width=20).init(jax.random.key(0), np.zeros((1, 10), np.float32))
    >>> sum(leaf.size for leaf in jax.tree.leaves(params))  # 20 W + 100
    500
    """

    width: int = 10
    activation: str = "relu"
    outputs: int = 10

    def init(self, key: Array, x: Array) -> Params:
        """Draw the three kernels, uniform on +-1/sqrt(fan_in) as PyTorch does."""
        widths = (x.shape[-1], self.width, x.shape[-1], self.outputs)
        pairs = zip(("up", "down", "head"), itertools.pairwise(widths), strict=True)
        shapes = {layer: {"kernel": jax.ShapeDtypeStruct(shape, x.dtype)} for layer, shape in pairs}
        return initializers.draw(key, shapes, "torch", 1.0)

    def apply(self, params: Params, x: Array) -> Array:
        """Logits ``[B, outputs]`` for inputs ``x[B, D]``."""
        hidden = activations.get(self.activation)(dense(params["up"]["kernel"], x.T))
        return dense(params["head"]["kernel"], dense(params["down"]["kernel"], hidden)).T
