"""Parts of the models on two tokens: checks of inputs, and shapes of parameters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from memjax.errors import InputError
from memjax.jax_settings import float_dtype
from memjax.types import Array

__all__ = ["pairs", "struct", "vocabulary"]


def vocabulary(model: Any) -> tuple[int, int]:
    """Number of tokens and of outputs of a model.

    Raises
    ------
    InputError
        If ``outputs`` is None.
    """
    if model.outputs is None:
        name = type(model).__name__
        raise InputError(f"{name}.outputs is None: give the number of outputs, or let an experiment's task set it.")
    return model.outputs if model.num_tokens is None else model.num_tokens, model.outputs


def pairs(model: Any, x: Array) -> Array:
    """Inputs as pairs of tokens, ``int32[B, 2]``.

    Raises
    ------
    InputError
        If the inputs are not pairs of integers.
    """
    x = jnp.asarray(x)
    if x.ndim != 2 or x.shape[1] != 2 or not jnp.issubdtype(x.dtype, jnp.integer):
        raise InputError(
            f"{type(model).__name__} takes pairs of tokens, whole numbers of shape [B, 2], but the inputs are "
            f"{x.dtype}{list(x.shape)}: use a task of pairs, such as memjax.tasks.ModularArithmetic."
        )
    return x.astype(jnp.int32)


def struct(*shape: int) -> jax.ShapeDtypeStruct:
    """Shape struct of a parameter in the default float dtype, because inputs are integers."""
    return jax.ShapeDtypeStruct(shape, float_dtype())
