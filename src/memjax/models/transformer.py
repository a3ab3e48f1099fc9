"""The one-layer transformer of the grokking experiments, computed at its last position only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from memjax.checks.keywords import named
from memjax.checks.values import keep_wholes
from memjax.errors import InputError
from memjax.fields import traced
from memjax.models.activations import get as get_activation
from memjax.models.initializers import draw_normal
from memjax.models.lookup import rows
from memjax.models.padding import wider
from memjax.models.shared_fields import check_shared_fields
from memjax.models.tokens import pairs, struct, vocabulary
from memjax.types import Array, Params

__all__ = ["Transformer"]


@named
@dataclass(frozen=True)
class Transformer:
    """One-layer transformer on the sequence "a b =", without layer norm; its outputs are the logits at "=".

    N. Nanda et al., "Progress measures for grokking via mechanistic interpretability" (2023): learned positions, attention
    without biases, one hidden layer with biases, and a separate unembedding without biases. Initial weights are normal with
    the standard deviations of that paper's code: width^(-1/2), (V + 1)^(-1/2) for the unembedding, and zero for biases. The
    paper's model has one more output, for "=", which is never a label.

    Parameters
    ----------
    width
        Width d of the residual stream.
    heads
        Attention heads H, each of width d / H.
    mlp
        Width m of the hidden layer.
    activation
        A name that `memjax.models.activations.get` knows, such as ``relu`` or ``gelu``, or any elementwise function.
    init_scale
        Factor of every initial parameter. Traced.
    num_tokens
        Number of tokens V without "="; None takes the number of outputs.
    outputs
        Number of outputs; None takes the number that the task needs.

    Examples
    --------
    >>> import numpy as np
    >>> model = Transformer(width=16, heads=2, mlp=32, outputs=7)
    >>> params = model.init(jax.random.key(0), np.zeros((1, 2), np.int32))
    >>> model.apply(params, np.array([[3, 5]])).shape
    (1, 7)
    """

    takes: ClassVar[str] = "tokens"

    width: int = 128
    heads: int = 4
    mlp: int = 512
    activation: str | Callable[[Array], Array] = "relu"
    init_scale: float = traced(1.0)
    num_tokens: int | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        keep_wholes(self, {"width": 1, "heads": 1, "mlp": 1})
        if self.width % self.heads:
            raise InputError(
                f"Transformer.width is {self.width}, which {self.heads} heads do not divide: give a multiple of heads."
            )
        check_shared_fields(self)

    def init(self, key: Array, x: Array) -> Params:
        """Draw parameters for tokens ``x[B, 2]``.

        ``embedding / kernel [V, d], equals [d]``; ``position / kernel [3, d]``; ``attention / query, key, value [d, d]`` with
        the heads side by side in their columns, ``output [d, d]`` with the heads in its rows; ``mlp / kernel_in [d, m],
        bias_in [m], kernel_out [m, d], bias_out [d]``; ``unembedding / kernel [d, C]``.
        """
        pairs(self, x)
        shapes, d = self._shapes(), self.width
        spreads = jax.tree.map(lambda leaf: d**-0.5, shapes)
        spreads["mlp"] |= {"bias_in": 0.0, "bias_out": 0.0}
        spreads["unembedding"] = {"kernel": (vocabulary(self)[0] + 1) ** -0.5}
        return draw_normal(key, shapes, spreads, self.init_scale)

    def _shapes(self) -> dict[str, Any]:
        (tokens, outputs), d, m = vocabulary(self), self.width, self.mlp
        return {
            "embedding": {"kernel": struct(tokens, d), "equals": struct(d)},
            "position": {"kernel": struct(3, d)},
            "attention": {name: struct(d, d) for name in ("query", "key", "value", "output")},
            "mlp": {
                "kernel_in": struct(d, m),
                "bias_in": struct(m),
                "kernel_out": struct(m, d),
                "bias_out": struct(d),
            },
            "unembedding": {"kernel": struct(d, outputs)},
        }

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of the hidden layer; the width of the stream stays structure."""
        return (self.mlp,)

    def padded(self, widths: tuple[int, ...]) -> Transformer:
        """The model with another hidden width; see `memjax.types.PaddableModel`."""
        return dataclasses.replace(self, mlp=widths[0])

    def pad(self, params: Params, widths: tuple[int, ...]) -> Params:
        """Parameters among zeros in the arrays of a wider hidden layer."""
        return wider(params, self.padded(widths)._shapes())

    def apply(self, params: Params, x: Array) -> Array:
        """Logits ``[B, C]`` for tokens ``x[B, 2]``; NaN for tokens outside the embedding."""
        stream, hidden = self._last_position(params, pairs(self, x))
        mlp = params["mlp"]
        return (stream + hidden @ mlp["kernel_out"] + mlp["bias_out"]) @ params["unembedding"]["kernel"]

    def hidden_activations(self, params: Params, x: Array) -> dict[str, Array]:
        """Activations at "=" for tokens ``x[B, 2]``: the stream ``attention[B, d]``, and the hidden layer ``mlp[B, m]``."""
        stream, hidden = self._last_position(params, pairs(self, x))
        return {"attention": stream, "mlp": hidden}

    def _last_position(self, params: Params, tokens: Array) -> tuple[Array, Array]:
        last = params["embedding"]["equals"] + params["position"]["kernel"][2]
        stream = last + self._attended(params, last, tokens) @ params["attention"]["output"]
        hidden = stream @ params["mlp"]["kernel_in"] + params["mlp"]["bias_in"]
        return stream, get_activation(self.activation)(hidden)

    def _attended(self, params: Params, last: Array, tokens: Array) -> Array:
        """Output of the attention at "=", heads side by side: ``[B, d]``.

        The query is always the query of "=", so a score depends only on a token and its position. Scores and values are
        therefore tables by token; only the softmax and the average are computed per example.
        """
        weights, embedding = params["attention"], params["embedding"]["kernel"]
        query = (last @ weights["query"]).reshape(self.heads, -1) / math.sqrt(self.width // self.heads)
        # Multiply the query into the key matrix: a table [d, H] replaces the keys.
        asked = jnp.einsum("dhk,hk->dh", self._by_head(weights["key"]), query)
        places = params["position"]["kernel"][:2]
        of_equals = last @ asked, last @ weights["value"]
        scores = rows(embedding @ asked, tokens) + places @ asked
        values = rows(embedding @ weights["value"], tokens) + places @ weights["value"]
        scores = jnp.concatenate([scores, jnp.broadcast_to(of_equals[0], (len(tokens), 1, self.heads))], 1)
        attention = jax.nn.softmax(scores, axis=1)[..., None]
        values = self._by_head(values)
        mixed = (
            attention[:, 0] * values[:, 0]
            + attention[:, 1] * values[:, 1]
            + attention[:, 2] * self._by_head(of_equals[1])
        )
        return mixed.reshape(len(tokens), -1)

    def _by_head(self, array: Array) -> Array:
        return array.reshape(*array.shape[:-1], self.heads, -1)
