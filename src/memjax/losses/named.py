"""The built-in losses by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memjax.errors import InputError, listing
from memjax.losses.of_outputs import cross_entropy, cross_entropy_exact, hinge, mse, one_hot_mse, sse
from memjax.types import Array, LossFn

__all__ = ["get"]

_BUILT_IN: dict[str, LossFn] = {
    "cross_entropy": cross_entropy,
    "cross_entropy_exact": cross_entropy_exact,
    "mse": mse,
    "sse": sse,
    "hinge": hinge,
    "one_hot_mse": one_hot_mse,
}


def get(loss: str | Callable[..., Array]) -> Any:
    """Loss function for a name; a function, or an object that can be called, is returned unchanged.

    Raises
    ------
    InputError
        If the name is not one of the built-in losses.

    Examples
    --------
    >>> import numpy as np
    >>> get("mse")(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]])).tolist()
    [5.0]
    """
    if callable(loss):
        return loss
    if isinstance(loss, str) and loss in _BUILT_IN:
        return _BUILT_IN[loss]
    raise InputError(f"The loss {loss!r} is not known: use {listing(_BUILT_IN)}, or pass your own function.")
