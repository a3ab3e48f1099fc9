"""Losses: functions from outputs and targets to one value per example."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from memjax.errors import InputError, listing
from memjax.types import Array, LossFn

__all__ = ["cross_entropy", "get", "is_label", "mse", "sse"]


def cross_entropy(outputs: Array, targets: Array) -> Array:
    """Negative log-likelihood of the label under the softmax of the outputs, in nats.

    Parameters
    ----------
    outputs
        Logits ``[B, C]``.
    targets
        Integer labels ``[B]`` in ``0..C-1``.

    Returns
    -------
    Array
        ``[B]``, the dtype of the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> f"{cross_entropy(np.zeros((1, 4), np.float32), np.array([2]))[0]:.4f}"
    '1.3863'
    """
    # A comparison instead of a gather: its gradient is a subtraction, not a scatter.
    return jax.nn.logsumexp(outputs, axis=-1) - jnp.where(is_label(outputs, targets), outputs, 0).sum(-1)


def is_label(outputs: Array, targets: Array) -> Array:
    """Whether an output is the label's: ``bool[B, C]`` for outputs ``[B, C]`` and integer labels ``[B]`` of any width."""
    return jnp.asarray(targets)[..., None] == jnp.arange(outputs.shape[-1])


def mse(outputs: Array, targets: Array) -> Array:
    """Squared error, averaged over the outputs of an example as PyTorch's ``MSELoss`` does.

    Parameters
    ----------
    outputs, targets
        Values ``[B, C]``.

    Returns
    -------
    Array
        ``[B]``, the dtype of the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> mse(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]])).tolist()
    [5.0]
    """
    return jnp.square(outputs - targets).reshape(outputs.shape[0], -1).mean(-1)


def sse(outputs: Array, targets: Array) -> Array:
    """Squared error, summed over the outputs of an example: the squared distance between output and target.

    Parameters
    ----------
    outputs, targets
        Values ``[B, C]``.

    Returns
    -------
    Array
        ``[B]``, the dtype of the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> sse(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]])).tolist()
    [10.0]
    """
    return jnp.square(outputs - targets).reshape(outputs.shape[0], -1).sum(-1)


_BUILT_IN: dict[str, LossFn] = {"cross_entropy": cross_entropy, "mse": mse, "sse": sse}


def get(loss: str | Callable[[Array, Array], Array]) -> LossFn:
    """Loss function for a name, or the user's own function as it is.

    Raises
    ------
    InputError
        If the name is not one of the built-in losses.
    """
    if callable(loss):
        return loss
    if isinstance(loss, str) and loss in _BUILT_IN:
        return _BUILT_IN[loss]
    raise InputError(f"The loss {loss!r} is not known: use {listing(_BUILT_IN)}, or pass your own function.")
