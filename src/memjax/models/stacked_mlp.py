"""Multilayer perceptrons of several depths in one program: equal hidden layers in one array, of which a run has the first."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from memjax.fields import traced
from memjax.models.activations import get as get_activation
from memjax.models.layers import dense, flat_inputs, flat_struct
from memjax.models.padding import in_corner, wider
from memjax.types import Array, Params

__all__ = ["StackedMLP"]


@dataclass(frozen=True)
class StackedMLP:
    """An `MLP` of up to ``layers`` hidden layers of up to ``width`` units; a run passes through the layers that it lacks.

    Only the engine makes one. Parameters are ``first`` (inputs to units), ``hidden`` (``[layers - 1, width, width]``) and
    ``last`` (units to outputs).

    Attributes
    ----------
    width, layers
        Units of a hidden layer, and hidden layers, of the largest network.
    depth
        Hidden layers of the run. Traced.
    activation, bias, outputs
        As in `MLP`.
    """

    name: ClassVar[str] = "MLP"

    width: int
    layers: int
    activation: str | Callable[[Array], Array]
    bias: bool
    outputs: int
    depth: float = traced(1.0)

    def init(self, key: Array, x: Array) -> Params:
        """Zeros in the shapes of the parameters; a run's own are drawn by its `MLP`."""
        del key
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), self.shapes(flat_struct(x)))

    def shapes(self, inputs: Any) -> Any:
        """Shape structs of the parameters for inputs ``[B, D]``."""
        shape = functools.partial(jax.ShapeDtypeStruct, dtype=inputs.dtype)
        into, width, deep = inputs.shape[1], self.width, self.layers - 1
        kernels = {"first": (into, width), "hidden": (deep, width, width), "last": (width, self.outputs)}
        return {
            name: {"kernel": shape(size)} | ({"bias": shape((*size[:-2], size[-1]))} if self.bias else {})
            for name, size in kernels.items()
        }

    def pad(self, params: Params) -> Params:
        """Parameters of an `MLP` of equal hidden layers, arrays of NumPy, among zeros in the arrays of this model."""
        depth = len(params) - 1
        inputs = params["layer_0"]["kernel"]
        shapes = self.shapes(jax.ShapeDtypeStruct((1, inputs.shape[0]), inputs.dtype))
        middle = [params[f"layer_{i}"] for i in range(1, depth)]
        first, last = params["layer_0"], params[f"layer_{depth}"]
        return {
            "first": wider(first, shapes["first"]),
            "hidden": {
                name: _stacked([part[name] for part in middle], like) for name, like in shapes["hidden"].items()
            },
            "last": wider(last, shapes["last"]),
        }

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        activation = get_activation(self.activation)

        def layer(h: Array, part: Any) -> tuple[Array, None]:
            place, own = part
            return jnp.where(place < self.depth, activation(_affine(own, h)), h), None

        h = activation(_affine(params["first"], flat_inputs(x).T))
        h, _ = jax.lax.scan(layer, h, (np.arange(1, self.layers), params["hidden"]))
        return _affine(params["last"], h).T


def _affine(layer: Params, h: Array) -> Array:
    out = dense(layer["kernel"], h)
    return out + layer["bias"][:, None] if "bias" in layer else out


def _stacked(parts: list[np.ndarray], like: Any) -> np.ndarray:
    return in_corner(np.stack(parts), like.shape) if parts else np.zeros(like.shape, like.dtype)
