"""Random features: functions of the input whose weights are drawn once and then kept, under a linear model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from memjax.checks.values import keep_wholes, number
from memjax.errors import InputError
from memjax.fields import traced
from memjax.models.initializers import draw, draw_normal
from memjax.models.layers import flat_inputs, flat_struct
from memjax.types import Array, Params

__all__ = ["RandomFourier", "RandomReLU"]


@dataclass(frozen=True)
class RandomFourier:
    """Random Fourier features, ``cos(w.x / scale + b) * sqrt(2 / width)`` with w ~ N(0, 1) and b uniform on +-pi.

    A. Rahimi and B. Recht, "Random features for large-scale kernel machines" (2007): with more and more features, the product
    of the features of x and z becomes the Gaussian kernel ``exp(-|x - z|^2 / (2 scale^2))``.

    Parameters
    ----------
    width
        Number of features p.
    scale
        Length scale of the kernel, more than 0. Traced.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> features = RandomFourier(width=20_000, scale=2.0)
    >>> x = np.array([[0.0, 0.0], [1.0, 1.0]], np.float32)
    >>> first, second = features.apply(features.init(jax.random.key(0), x), x)
    >>> f"{first @ second:.2f}, exactly {np.exp(-2 / 8):.2f}"
    '0.78, exactly 0.78'
    """

    width: int = 100
    scale: float = traced(1.0)

    def __post_init__(self) -> None:
        keep_wholes(self, {"width": 1})
        if number("RandomFourier.scale", self.scale) <= 0:
            raise InputError(f"RandomFourier.scale is {self.scale!r}: give a positive length.")
        object.__setattr__(self, "scale", float(self.scale))

    def init(self, key: Array, x: Array) -> Params:
        """Draw ``kernel [D, p]`` and ``phase [p]`` for inputs ``x[B, ...]``."""
        keys = jax.random.split(key)
        phase = {"phase": {"kernel": jax.ShapeDtypeStruct((1, self.width), flat_struct(x).dtype)}}
        # PyTorch's rule for one input is uniform on +-1.
        drawn = draw(keys[1], phase, "torch", math.pi)["phase"]["kernel"].reshape(-1)
        return {"kernel": _kernel(keys[0], x, self.width), "phase": drawn}

    def apply(self, params: Params, x: Array) -> Array:
        """Features ``[B, p]`` of inputs ``x[B, ...]``."""
        angles = flat_inputs(x) @ params["kernel"] / self.scale + params["phase"]
        return jnp.cos(angles) * math.sqrt(2 / self.width)


@dataclass(frozen=True)
class RandomReLU:
    """Random ReLU features, ``relu(w.x) * sqrt(2 / width)`` with w ~ N(0, 1).

    With more and more features, the product of the features of x and z becomes the arc-cosine kernel of degree one (Y. Cho and
    L. Saul, "Kernel methods for deep learning", 2009), so ``|x|^2`` for x itself.

    Parameters
    ----------
    width
        Number of features p.

    Raises
    ------
    InputError
        If the width is no whole number of at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> features, x = RandomReLU(width=20_000), np.array([[3.0, 4.0]], np.float32)
    >>> own = features.apply(features.init(jax.random.key(0), x), x)[0]
    >>> abs(float(own @ own) - 25) < 1
    True
    """

    width: int = 100

    def __post_init__(self) -> None:
        keep_wholes(self, {"width": 1})

    def init(self, key: Array, x: Array) -> Params:
        """Draw ``kernel [D, p]`` for inputs ``x[B, ...]``."""
        return {"kernel": _kernel(key, x, self.width)}

    def apply(self, params: Params, x: Array) -> Array:
        """Features ``[B, p]`` of inputs ``x[B, ...]``."""
        return jnp.maximum(flat_inputs(x) @ params["kernel"], 0) * math.sqrt(2 / self.width)


def _kernel(key: Array, x: Array, width: int) -> Any:
    inputs = flat_struct(x)
    shapes = {"kernel": jax.ShapeDtypeStruct((inputs.shape[1], width), inputs.dtype)}
    return draw_normal(key, shapes, {"kernel": 1.0}, 1.0)["kernel"]
