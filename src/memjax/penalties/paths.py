"""The path norm of a network of layers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from memjax.checks.values import keep_numbers
from memjax.errors import InputError
from memjax.fields import traced
from memjax.jax_settings import wide
from memjax.types import Array, Params

__all__ = ["PathNorm"]


@dataclass(frozen=True)
class PathNorm:
    """``strength`` times the squared path norm: the sum over all paths from an input to an output of a product of squares.

    The squares are those of the weights along the path; biases do not count. The sum is the output of the linear network with
    squared weights and without biases, for inputs of ones, summed over outputs. A network with ReLU stays the same function if
    the weights into a unit are multiplied by a number and those out of the unit are divided by it, and so does its path norm
    (Neyshabur, Salakhutdinov and Srebro, "Path-SGD", 2015; their path norm is the square root of this sum).

    The model must be one of dense layers: its parameters are a dict by layer, such as ``layer_0`` and ``layer_1``, and every
    layer has a ``kernel`` of shape ``[inputs, outputs]``, as in `memjax.models.MLP`. The order is that of the numbers in the
    names.

    Parameters
    ----------
    strength
        At least 0, in units of the loss; traced, so that an axis of it compiles nothing.

    Raises
    ------
    InputError
        If ``strength`` is negative. When a sweep is planned: if the parameters are not those of dense layers.

    Examples
    --------
    >>> one, two = jnp.array([[1.0, 2.0], [3.0, 0.0]]), jnp.array([[2.0], [1.0]])
    >>> float(PathNorm(1.0)({"layer_0": {"kernel": one}, "layer_1": {"kernel": two}}))
    44.0
    """

    strength: float = traced(1e-4)

    def __post_init__(self) -> None:
        keep_numbers(self, ["strength"], 0)

    def __call__(self, params: Params) -> Array:
        """Value of the penalty."""
        first, *others = _kernels(params)
        reached = jnp.square(first).sum(0)
        for kernel in others:
            reached = reached @ jnp.square(kernel)
        return self.strength * reached.sum()


def _kernels(params: Any) -> list[Array]:
    """Kernels of dense layers, from the inputs to the outputs."""
    layers = params if isinstance(params, Mapping) else {}
    kernels = [wide(layers[name]["kernel"]) for name in sorted(layers, key=_number) if _is_dense(layers[name])]
    fit = all(one.shape[1] == other.shape[0] for one, other in itertools.pairwise(kernels))
    if not kernels or len(kernels) < len(layers) or not fit:
        raise InputError(
            "The penalty PathNorm needs a model of dense layers, whose parameters are a dict of layers with a kernel "
            "[inputs, outputs] each: use memjax.models.MLP, or a penalty of your own."
        )
    return kernels


def _is_dense(layer: Any) -> bool:
    return isinstance(layer, Mapping) and {"kernel"} <= set(layer) <= {"kernel", "bias"} and layer["kernel"].ndim == 2


def _number(name: str) -> list[Any]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
