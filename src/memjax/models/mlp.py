"""The multilayer perceptron: a Linen module whose parameters come from one flat draw."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import flax.linen as nn
import jax

from memjax.checks.keywords import named
from memjax.checks.values import number, whole
from memjax.content.later import stated, written
from memjax.errors import InputError
from memjax.fields import traced
from memjax.models.activations import get as get_activation
from memjax.models.dropout import kept
from memjax.models.initializers import draw
from memjax.models.layers import dense, flat_inputs, flat_struct
from memjax.models.padding import Stack, wider
from memjax.models.shared_fields import check_shared_fields
from memjax.models.stacked_mlp import StackedMLP
from memjax.types import Array, Params

__all__ = ["MLP"]


class _Dense(nn.Module):
    """Affine layer on feature-major activations ``[I, B]``."""

    width: int
    bias: bool

    @nn.compact
    def __call__(self, h: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.zeros_init(), (h.shape[0], self.width), h.dtype)
        out = dense(kernel, h)
        return (
            out + self.param("bias", nn.initializers.zeros_init(), (self.width,), h.dtype)[:, None]
            if self.bias
            else out
        )


class _Layers(nn.Module):
    """Affine layers with an activation between them; inputs are flattened."""

    widths: tuple[int, ...]
    activation: Callable[[Array], Array]
    bias: bool

    @nn.compact
    def __call__(self, x: Array, drop: Callable[[int, Array], Array] | None = None) -> Array:
        h = flat_inputs(x).T
        for depth, width in enumerate(self.widths):
            h = _Dense(width, self.bias, name=f"layer_{depth}")(h)
            if depth < len(self.widths) - 1:
                h = self.activation(h)
                self.sow("hidden", f"hidden_{depth}", h.T)
                h = h if drop is None else drop(depth, h)
        return h.T


def _widths(hidden: object) -> tuple[int, ...]:
    if isinstance(hidden, tuple | list):
        return tuple(whole("MLP layer width", width, 1) for width in hidden)
    return (whole("MLP layer width", hidden, 1),)


def _no_outputs() -> InputError:
    return InputError("MLP.outputs is None: give the output width, or let an experiment's task set it.")


@named
@dataclass(frozen=True)
class MLP:
    """Multilayer perceptron of any width and depth.

    Parameters
    ----------
    hidden
        Widths of the hidden layers; ``()`` is a linear model.
    activation
        A name that `memjax.models.activations.get` knows, such as ``relu`` or ``gelu``, or any elementwise function.
    bias
        Whether layers have biases.
    initializer
        ``torch`` (weights and biases uniform on +-1/sqrt(fan_in), PyTorch's default), or normal with zero biases:
        ``lecun`` (variance 1/fan_in), ``he`` (2/fan_in), ``xavier`` (2/(fan_in + fan_out)) or ``normal`` (1).
    init_scale
        Factor of every initial parameter. Traced.
    outputs
        Number of outputs; None takes the number that the task needs.
    dropout
        Probability, below 1, with which training drops a hidden unit of an example in a step; the units that stay are divided
        by one minus it (Srivastava et al. 2014). Traced, except that 0 is a network without dropout, whose program draws
        nothing. Records, snapshots and measures are without dropout.

    Examples
    --------
    >>> import numpy as np
    >>> model = MLP(hidden=(100, 100), outputs=17)
    >>> params = model.init(jax.random.key(0), np.zeros((1, 9), np.float32))
    >>> sum(leaf.size for leaf in jax.tree.leaves(params))
    12817
    """

    takes: ClassVar[str] = "quantities"

    hidden: tuple[int, ...] = (100, 100)
    activation: str | Callable[[Array], Array] = "relu"
    bias: bool = True
    initializer: str = "torch"
    init_scale: float = traced(1.0)
    outputs: int | None = None
    dropout: float = traced(0.0, later=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", _widths(self.hidden))
        object.__setattr__(self, "dropout", float(number("MLP.dropout", self.dropout, 0, 1, below=1)))
        check_shared_fields(self)

    def __repr__(self) -> str:
        return written(self)

    def _layers(self) -> _Layers:
        if self.outputs is None:
            raise _no_outputs()
        return _Layers((*self.hidden, self.outputs), get_activation(self.activation), self.bias)

    def init(self, key: Array, x: Array) -> Params:
        """Draw parameters for inputs ``x[B, ...]`` from one flat draw: a tree ``layer_i / kernel, bias``."""
        self._layers()
        return draw(key, self._shapes(flat_struct(x)), self.initializer, self.init_scale)

    def _shapes(self, inputs: Any) -> Any:
        """Shape structs of the parameters for inputs ``[B, D]``."""
        shape = functools.partial(jax.ShapeDtypeStruct, dtype=inputs.dtype)
        sizes = (inputs.shape[1], *self.hidden, self.outputs)
        return {
            f"layer_{i}": {"kernel": shape((into, out))} | ({"bias": shape((out,))} if self.bias else {})
            for i, (into, out) in enumerate(itertools.pairwise(sizes))
        }

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.hidden

    @property
    def stack(self) -> Stack | None:
        """Width and number of hidden layers that are all equal, else None: such networks of any depth share a program.

        None with dropout too.
        """
        alike = len(set(self.hidden)) == 1 and not self.draws
        return Stack(self.hidden[0], len(self.hidden)) if alike else None

    def padded(self, widths: tuple[int, ...] | Stack) -> MLP | StackedMLP:
        """The model with other widths, or with room for more layers too; see `memjax.types.PaddableModel`."""
        if not isinstance(widths, Stack):
            return dataclasses.replace(self, hidden=widths)
        if self.outputs is None:
            raise _no_outputs()
        return StackedMLP(*widths, self.activation, self.bias, self.outputs, float(len(self.hidden)))

    def pad(self, params: Params, widths: tuple[int, ...] | Stack) -> Params:
        """Parameters among zeros in the arrays of wider layers, and of more of them."""
        model = self.padded(widths)
        if isinstance(model, StackedMLP):
            return model.pad(params)
        inputs = jax.ShapeDtypeStruct((1, params["layer_0"]["kernel"].shape[0]), params["layer_0"]["kernel"].dtype)
        return wider(params, model._shapes(inputs))

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        return self._layers().apply({"params": params}, x)

    @property
    def draws(self) -> bool:
        """Whether there is dropout."""
        return "dropout" in stated(self)

    def apply_train(self, params: Params, x: Array, keys: Array) -> Array:
        """Outputs ``[B, C]`` with dropout for inputs ``x[B, ...]`` and a key ``[B]`` for each example."""
        drop = lambda layer, h: kept(keys, layer, self.dropout, h)  # noqa: E731
        return self._layers().apply({"params": params}, x, drop if self.draws else None)

    def still(self) -> MLP:
        """The network without dropout."""
        return dataclasses.replace(self, dropout=0.0)

    def hidden_activations(self, params: Params, x: Array) -> dict[str, Array]:
        """Activations ``[B, width]`` of each hidden layer, by its name ``layer_i``, for inputs ``x[B, ...]``."""
        kept = self._layers().apply({"params": params}, x, mutable=["hidden"])[1].get("hidden", {})
        return {f"layer_{i}": kept[f"hidden_{i}"][0] for i in range(len(self.hidden))}

    def outputs_from(self, params: Params, layer: str, h: Array) -> Array:
        """Outputs ``[B, C]`` from activations ``h[B, width]`` of a hidden layer, as `hidden_activations` gives them."""
        if self.outputs is None:
            raise _no_outputs()
        after = [f"layer_{i}" for i in range(len(self.hidden))].index(layer) + 1
        rest = _Layers((*self.hidden[after:], self.outputs), get_activation(self.activation), self.bias)
        return rest.apply({"params": {f"layer_{i}": params[f"layer_{after + i}"] for i in range(len(rest.widths))}}, h)
