"""A multilayer perceptron on two embedded tokens: the small network of the grokking experiments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_wholes, whole
from memjax.errors import InputError
from memjax.fields import traced
from memjax.models.activations import get as get_activation
from memjax.models.initializers import draw, draw_normal, stacked
from memjax.models.lookup import rows
from memjax.models.padding import in_corners_of_rows, wider
from memjax.models.shared_fields import check_shared_fields
from memjax.models.tokens import pairs, struct, vocabulary
from memjax.types import Array, Params

__all__ = ["EmbeddingMLP"]


@named
@dataclass(frozen=True)
class EmbeddingMLP:
    """Perceptron on two embedded tokens: u act(W_a e(a) + b_a + W_b e(b) + b_b), by default with GELU and 4,428 parameters.

    The defaults give the network of the learning-coefficient experiments on addition mod 53: one embedding of width 12, a
    layer of width 48 per operand, and an unembedding without bias.

    Parameters
    ----------
    embedding
        Width d of the embedding.
    hidden
        Widths of the hidden layers; the first has a kernel and a bias per operand.
    activation
        A name that `memjax.models.activations.get` knows, such as ``relu`` or ``gelu``, or any elementwise function.
    shared
        Whether both operands share one embedding.
    concatenate
        Whether the first layer is one dense layer on the concatenated embeddings. It then has one bias, and a fan_in of
        2 d instead of d for the initial values.
    initializer
        Initial values of the layers, as in `memjax.models.MLP`. Embeddings are N(0, 1), as in PyTorch.
    init_scale
        Factor of every initial parameter. Traced.
    num_tokens
        Number of tokens; None takes the number of outputs.
    outputs
        Number of outputs; None takes the number that the task needs.

    Examples
    --------
    >>> import numpy as np
    >>> model = EmbeddingMLP(outputs=53)
    >>> params = model.init(jax.random.key(0), np.zeros((1, 2), np.int32))
    >>> sum(leaf.size for leaf in jax.tree.leaves(params))
    4428
    >>> model.apply(params, np.array([[3, 50], [0, 1]])).shape
    (2, 53)
    """

    takes: ClassVar[str] = "tokens"

    embedding: int = 12
    hidden: int | tuple[int, ...] = (48,)
    activation: str | Callable[[Array], Array] = "gelu"
    shared: bool = True
    concatenate: bool = False
    initializer: str = "torch"
    init_scale: float = traced(1.0)
    num_tokens: int | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", _widths(self.hidden))
        keep_wholes(self, {"embedding": 1})
        for name in ("shared", "concatenate"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"EmbeddingMLP.{name} is {getattr(self, name)!r}: give True or False.")
        check_shared_fields(self)

    def init(self, key: Array, x: Array) -> Params:
        """Draw parameters for tokens ``x[B, 2]``.

        ``embedding / kernel`` is ``[V, d]``, or ``[2, V, d]`` if it is not shared. ``layer_0 / kernel, bias`` are
        ``[2, d, h]`` and ``[2, h]``, or ``[2 d, h]`` and ``[h]`` if the embeddings are concatenated. The other layers are
        ``layer_i / kernel, bias``; the last layer has no bias.
        """
        pairs(self, x)
        embedding_key, layers_key = jax.random.split(key)
        params = draw_normal(embedding_key, {"embedding": self._table_shape()}, 1.0, self.init_scale)
        layers = draw(layers_key, self._layer_shapes(), self.initializer, self.init_scale)
        if not self.concatenate:
            # Drawn separately, so that the fan_in is the width of one operand.
            operands = layers.pop("layer_0_a"), layers.pop("layer_0_b")
            layers["layer_0"] = jax.tree.map(lambda *both: stacked(both), *operands)
        return params | layers

    def _table_shape(self) -> dict[str, Any]:
        return {"kernel": struct(*(() if self.shared else (2,)), vocabulary(self)[0], self.embedding)}

    def _layer_shapes(self) -> dict[str, Any]:
        first, *hidden = self._hidden
        wide = {"layer_0": _affine(2 * self.embedding, first)}
        apart = {name: _affine(self.embedding, first) for name in ("layer_0_a", "layer_0_b")}
        shapes = wide if self.concatenate else apart
        shapes |= {f"layer_{i}": _affine(*sizes) for i, sizes in enumerate(zip(self._hidden, hidden, strict=False), 1)}
        return shapes | {f"layer_{len(self._hidden)}": {"kernel": struct(self._hidden[-1], vocabulary(self)[1])}}

    @property
    def _hidden(self) -> tuple[int, ...]:
        return _widths(self.hidden)

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of the embedding, then of the hidden layers."""
        return (self.embedding, *self._hidden)

    def padded(self, widths: tuple[int, ...]) -> EmbeddingMLP:
        """The model with other widths; see `memjax.types.PaddableModel`."""
        return dataclasses.replace(self, embedding=widths[0], hidden=tuple(widths[1:]))

    def pad(self, params: Params, widths: tuple[int, ...]) -> Params:
        """Parameters among zeros in the arrays of wider layers; both operands' rows of a first layer stay apart."""
        wide = self.padded(widths)
        shapes = {"embedding": wide._table_shape()} | wide._layer_shapes()
        if self.concatenate:
            kernel = np.asarray(params["layer_0"]["kernel"])
            kernel = in_corners_of_rows(kernel, shapes["layer_0"]["kernel"].shape, 2)
            params = {**params, "layer_0": {**params["layer_0"], "kernel": kernel}}
        else:
            one, _ = shapes.pop("layer_0_a"), shapes.pop("layer_0_b")
            shapes["layer_0"] = {name: struct(2, *leaf.shape) for name, leaf in one.items()}
        return wider(params, shapes)

    def apply(self, params: Params, x: Array) -> Array:
        """Logits ``[B, C]`` for tokens ``x[B, 2]``; NaN for tokens outside the embedding."""
        last = len(self._hidden)
        return self.hidden_activations(params, x)[f"layer_{last - 1}"] @ params[f"layer_{last}"]["kernel"]

    def hidden_activations(self, params: Params, x: Array) -> dict[str, Array]:
        """Activations ``[B, width]`` of each hidden layer, by its name ``layer_i``, for tokens ``x[B, 2]``."""
        activation, hidden = get_activation(self.activation), {}
        h = self._embedded(params["embedding"]["kernel"], pairs(self, x))
        for depth in range(len(self._hidden)):
            # One product for both operands. Gathering rows takes a fifth less time per step than one-hot products.
            kernel, bias = params[f"layer_{depth}"]["kernel"], params[f"layer_{depth}"]["bias"]
            width = kernel.shape[-1]
            h = activation(h @ kernel.reshape(-1, width) + bias.reshape(-1, width).sum(0))
            hidden[f"layer_{depth}"] = h
        return hidden

    def _embedded(self, kernel: Array, tokens: Array) -> Array:
        """Embeddings of both operands side by side, ``[B, 2 d]``."""
        if self.shared:
            return rows(kernel, tokens).reshape(-1, 2 * self.embedding)
        return jnp.concatenate([rows(kernel[0], tokens[:, 0]), rows(kernel[1], tokens[:, 1])], 1)


def _affine(fan_in: int, width: int) -> dict[str, Any]:
    return {"kernel": struct(fan_in, width), "bias": struct(width)}


def _widths(hidden: object) -> tuple[int, ...]:
    widths = tuple(hidden) if isinstance(hidden, tuple | list) else (hidden,)
    if not widths:
        raise InputError("EmbeddingMLP.hidden is empty: give at least one width, such as hidden=(48,).")
    return tuple(whole("EmbeddingMLP layer width", width, 1) for width in widths)
