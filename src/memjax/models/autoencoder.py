"""The autoencoder with tied weights and an activation on its output: the toy model of superposition."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_wholes
from memjax.errors import InputError
from memjax.fields import traced
from memjax.models.activations import get as get_activation
from memjax.models.initializers import draw
from memjax.models.layers import dense, flat_inputs, flat_struct
from memjax.models.padding import in_corner
from memjax.models.shared_fields import check_shared_fields
from memjax.types import Array, Params

__all__ = ["Autoencoder"]


@named
@dataclass(frozen=True)
class Autoencoder:
    """Autoencoder of one linear hidden layer with tied weights: h = W x, x' = activation(W^T h + b).

    N. Elhage et al., "Toy models of superposition" (2022); T. Henighan et al., "Superposition, memorization, and double
    descent" (2023).

    Parameters
    ----------
    hidden
        Hidden width m.
    activation
        Activation on the output: a name that `memjax.models.activations.get` knows, or any elementwise function.
    bias
        Whether the output has a bias.
    initializer
        ``xavier`` (normal with variance 2 / (fan_in + fan_out), bias zero) or another rule of `memjax.models.MLP`.
    init_scale
        Factor of every initial parameter. Traced.
    outputs
        Number of features n, in the output and in the input; None takes the number that the task needs.

    Examples
    --------
    >>> import numpy as np
    >>> model = Autoencoder(hidden=2, outputs=5)
    >>> params = model.init(jax.random.key(0), np.zeros((1, 5), np.float32))
    >>> params["tied"]["kernel"].shape, model.hidden_activations(params, np.ones((3, 5)))["hidden"].shape
    ((5, 2), (3, 2))
    """

    takes: ClassVar[str] = "quantities"

    hidden: int = 2
    activation: str | Callable[[Array], Array] = "relu"
    bias: bool = True
    initializer: str = "xavier"
    init_scale: float = traced(1.0)
    outputs: int | None = None

    def __post_init__(self) -> None:
        keep_wholes(self, {"hidden": 1})
        check_shared_fields(self)

    def init(self, key: Array, x: Array) -> Params:
        """Draw ``tied / kernel [n, m], bias [n]``: row i of the kernel is the hidden vector W_i of feature i."""
        inputs = flat_struct(x)
        features, dtype = inputs.shape[1], inputs.dtype
        if self.outputs not in (None, features):
            raise InputError(
                f"An autoencoder gives back its inputs, but has {self.outputs} outputs for {features} inputs: use a task "
                "whose targets are its inputs, such as memjax.tasks.SparseFeatures."
            )
        shapes = {"kernel": jax.ShapeDtypeStruct((features, self.hidden), dtype)}
        shapes |= {"bias": jax.ShapeDtypeStruct((features,), dtype)} if self.bias else {}
        return draw(key, {"tied": shapes}, self.initializer, self.init_scale)

    @property
    def widths(self) -> tuple[int, ...]:
        """The hidden width."""
        return (self.hidden,)

    def padded(self, widths: tuple[int, ...]) -> Autoencoder:
        """The model with another hidden width; see `memjax.types.PaddableModel`."""
        return dataclasses.replace(self, hidden=widths[0])

    def pad(self, params: Params, widths: tuple[int, ...]) -> Params:
        """Parameters among zeros in the arrays of a wider hidden layer."""
        kernel = np.asarray(params["tied"]["kernel"])
        return {"tied": {**params["tied"], "kernel": in_corner(kernel, (len(kernel), widths[0]))}}

    def apply(self, params: Params, x: Array) -> Array:
        """Reconstruction ``[B, n]`` of inputs ``x[B, ...]``."""
        kernel = params["tied"]["kernel"]
        out = dense(kernel.T, dense(kernel, flat_inputs(x).T))
        out = out + params["tied"]["bias"][:, None] if self.bias else out
        return get_activation(self.activation)(out).T

    def hidden_activations(self, params: Params, x: Array) -> dict[str, Array]:
        """Hidden vectors by layer, for inputs ``x[B, ...]``: ``hidden`` is ``W x``, ``[B, m]``."""
        return {"hidden": dense(params["tied"]["kernel"], flat_inputs(x).T).T}
