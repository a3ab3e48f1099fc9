"""Targets of any task as rows of values, which is what closed-form models fit: one-hot vectors of labels, or the values."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from memjax.errors import InputError
from memjax.losses import is_label
from memjax.types import Array

__all__ = ["outputs_of", "target_rows"]


def outputs_of(model: Any) -> int:
    """Number of outputs of a model, C; raises `InputError` while it is open."""
    if model.outputs is None:
        raise InputError(
            f"{type(model).__name__}.outputs is None: give the output width, or let an experiment's task set it."
        )
    return int(model.outputs)


def target_rows(targets: Array, outputs: int, dtype: Any) -> Array:
    """Targets as values ``[B, C]``: the one-hot vectors of labels ``[B]``, or the values ``[B, ...]`` themselves.

    Examples
    --------
    >>> target_rows(jnp.array([2, 0]), 3, "float32").tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    targets = jnp.asarray(targets)
    if jnp.issubdtype(targets.dtype, jnp.integer):
        return is_label(jnp.zeros((1, outputs)), targets).astype(dtype)
    return targets.reshape(len(targets), outputs).astype(dtype)
