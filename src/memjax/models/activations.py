"""Activations by name."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from memjax.errors import InputError, listing
from memjax.types import Array

__all__ = ["get"]

_BUILT_IN: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "elu": jax.nn.elu,
    "sin": jnp.sin,
    "square": jnp.square,
    "identity": lambda x: x,
}


def get(activation: str | Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Activation for a name (``gelu`` is the exact GELU, PyTorch's default); a function is returned unchanged.

    The names are ``relu``, ``tanh``, ``sigmoid``, ``gelu``, ``gelu_tanh``, ``silu``, ``softplus``, ``elu``, ``sin``, ``square``
    and ``identity``.

    Raises
    ------
    InputError
        If the name is not known.

    Examples
    --------
    >>> get("relu")(jnp.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    if callable(activation):
        return activation
    if isinstance(activation, str) and activation in _BUILT_IN:
        return _BUILT_IN[activation]
    raise InputError(
        f"The activation {activation!r} is not known: use {listing(_BUILT_IN)}, or pass your own elementwise function."
    )
