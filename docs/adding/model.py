# A model to copy. In a project of your own: put the file anywhere, and add no line elsewhere.
# In memjax: copy it to src/memjax/models/skip_net.py, and add two lines to src/memjax/models/__init__.py:
#     from memjax.models.skip_net import SkipNet
#     "SkipNet",  in __all__
"""A network of one hidden layer with a skip connection: a linear model, and what the hidden layer adds to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax

from memjax.checks.values import keep_wholes
from memjax.errors import InputError
from memjax.fields import traced
from memjax.models.activations import get as get_activation
from memjax.models.initializers import draw
from memjax.models.layers import dense, flat_inputs, flat_struct
from memjax.models.padding import wider
from memjax.models.shared_fields import check_shared_fields
from memjax.types import Array, Params

__all__ = ["SkipNet"]


@dataclass(frozen=True)
class SkipNet:
    """One hidden layer with a skip connection: f(x) = W_1 a(W_0 x + b_0) + V x + b_1.

    Parameters
    ----------
    hidden
        Width m of the hidden layer.
    activation
        A name from `memjax.models.activations`, or any elementwise function.
    bias
        Whether the two layers have biases; the skip connection has none.
    initializer
        A rule of `memjax.models.MLP`.
    init_scale
        Multiplies every initial parameter. Traced.
    outputs
        Width C of the output; None takes what the task calls for.

    Raises
    ------
    InputError
        If a field's value is not allowed; when parameters are drawn, if the outputs are open.

    Examples
    --------
    >>> import numpy as np
    >>> model = SkipNet(hidden=30, outputs=7)
    >>> params = model.init(jax.random.key(0), np.zeros((1, 5), np.float32))
    >>> {layer: leaves["kernel"].shape for layer, leaves in params.items()}
    {'direct': (5, 7), 'layer_0': (5, 30), 'layer_1': (30, 7)}
    """

    takes: ClassVar[str] = "quantities"

    hidden: int = 100
    activation: str | Callable[[Array], Array] = "relu"
    bias: bool = True
    initializer: str = "torch"
    init_scale: float = traced(1.0)
    outputs: int | None = None

    def __post_init__(self) -> None:
        keep_wholes(self, {"hidden": 1})
        check_shared_fields(self)

    def init(self, key: Array, x: Array) -> Params:
        """Draw parameters for inputs ``x[B, ...]``: ``layer_0`` and ``layer_1`` / ``kernel, bias``, and ``direct / kernel``."""
        if self.outputs is None:
            raise InputError("SkipNet.outputs is None: give the output width, or let an experiment's task set it.")
        return draw(key, self._shapes(flat_struct(x)), self.initializer, self.init_scale)

    def _shapes(self, inputs: Any) -> dict[str, Any]:
        """Shape structs of the parameters for inputs ``[B, D]``."""
        # In the order of their names, which is that of a tree of parameters and of its flat form.
        return {
            "direct": {"kernel": jax.ShapeDtypeStruct((inputs.shape[1], self.outputs), inputs.dtype)},
            "layer_0": self._affine(inputs.shape[1], self.hidden, inputs.dtype),
            "layer_1": self._affine(self.hidden, self.outputs, inputs.dtype),
        }

    def _affine(self, fan_in: int, width: int, dtype: Any) -> dict[str, jax.ShapeDtypeStruct]:
        kernel = {"kernel": jax.ShapeDtypeStruct((fan_in, width), dtype)}
        return {"bias": jax.ShapeDtypeStruct((width,), dtype), **kernel} if self.bias else kernel

    # The next three members are optional. With them, runs of several widths share a program.
    @property
    def widths(self) -> tuple[int, ...]:
        """The hidden width."""
        return (self.hidden,)

    def padded(self, widths: tuple[int, ...]) -> SkipNet:
        """The model with another hidden width, which computes the same from padded parameters."""
        return dataclasses.replace(self, hidden=widths[0])

    def pad(self, params: Params, widths: tuple[int, ...]) -> Params:
        """Parameters among zeros in the arrays of a wider hidden layer."""
        kernel = params["direct"]["kernel"]
        return wider(params, self.padded(widths)._shapes(jax.ShapeDtypeStruct((1, len(kernel)), kernel.dtype)))

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        inputs = flat_inputs(x).T
        out = self._layer(params["layer_1"], self._hidden(params, inputs)) + dense(params["direct"]["kernel"], inputs)
        return out.T

    def hidden_activations(self, params: Params, x: Array) -> dict[str, Array]:
        """Activations ``[B, m]`` of the hidden layer, by its name ``layer_0``, for inputs ``x[B, ...]``."""
        return {"layer_0": self._hidden(params, flat_inputs(x).T).T}

    def _hidden(self, params: Params, inputs: Array) -> Array:
        return get_activation(self.activation)(self._layer(params["layer_0"], inputs))

    def _layer(self, layer: Params, inputs: Array) -> Array:
        """Affine layer on examples that are columns, ``[I, B] -> [O, B]``."""
        out = dense(layer["kernel"], inputs)
        return out + layer["bias"][:, None] if self.bias else out
