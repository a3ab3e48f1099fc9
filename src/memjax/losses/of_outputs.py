"""Losses of the outputs alone: functions from outputs and targets to one value per example."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.errors import InputError
from memjax.jax_settings import wide
from memjax.types import Array

__all__ = ["cross_entropy", "cross_entropy_exact", "hinge", "is_label", "mse", "one_hot_mse", "require_labels", "sse"]


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
        ``[B]``, in float32 at least.

    Examples
    --------
    >>> import numpy as np
    >>> f"{cross_entropy(np.zeros((1, 4), np.float32), np.array([2]))[0]:.4f}"
    '1.3863'
    """
    outputs = wide(outputs)
    # A comparison instead of a gather: its gradient is a subtraction, not a scatter.
    return jax.nn.logsumexp(outputs, axis=-1) - jnp.where(is_label(outputs, targets), outputs, 0).sum(-1)


def cross_entropy_exact(outputs: Array, targets: Array) -> Array:
    """Cross-entropy that keeps its relative precision where it is tiny, late in training.

    In float32 `cross_entropy` is a difference of two numbers of the size of the logits: a loss below 1e-7 becomes zero,
    and so does the gradient in the label's logit ("softmax collapse", Prieto et al., "Grokking at the edge of numerical
    stability", 2025). Here the loss is log(1 + sum_{c != y} exp(f_c - f_y)), and its gradient sums to zero over the classes,
    down to the smallest float32, 1e-38. On a CPU it costs nothing with 53 classes, and up to a fifth of a step of a small
    network with 10.

    Parameters
    ----------
    outputs
        Logits ``[B, C]``.
    targets
        Integer labels ``[B]`` in ``0..C-1``.

    Returns
    -------
    Array
        ``[B]``, in float32 at least.

    Raises
    ------
    InputError
        If targets are no integers.

    Examples
    --------
    >>> import numpy as np
    >>> outputs, labels = np.array([[0.0, 30.0]], np.float32), np.array([1])
    >>> float(cross_entropy(outputs, labels)[0]), f"{cross_entropy_exact(outputs, labels)[0]:.3e}"
    (0.0, '9.358e-14')
    """
    require_labels("cross_entropy_exact", targets)
    outputs = wide(outputs)
    chosen = is_label(outputs, targets)
    label = jnp.where(chosen, outputs, 0).sum(-1)
    most, fixed = jax.lax.stop_gradient((outputs.max(-1), label))
    # The factor is one, but carries the derivative in the label's output, which one minus a probability would cancel.
    follow = jnp.exp(fixed - label)
    others = follow * jnp.where(chosen, 0, jnp.exp(outputs - most[..., None])).sum(-1)
    return most - fixed + jnp.log1p(others + jnp.expm1(fixed - most))


def require_labels(loss: str, targets: Array) -> None:
    """Raise `InputError` where the targets of a loss are no integers."""
    if not jnp.issubdtype(targets.dtype, jnp.integer):
        raise InputError(
            f"loss is {loss!r}, but the targets are {targets.dtype} values: use loss = 'mse' or 'sse', or integer labels."
        )


def is_label(outputs: Array, targets: Array) -> Array:
    """Mask ``bool[B, C]`` of the label's output, for outputs ``[B, C]`` and integer labels ``[B]`` of any dtype.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> is_label(jnp.zeros((2, 3)), jnp.array([2, 0])).astype(int).tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    return jnp.asarray(targets)[..., None] == jnp.arange(outputs.shape[-1])


def mse(outputs: Array, targets: Array) -> Array:
    """Squared error, averaged over the outputs of an example as in PyTorch's ``MSELoss``.

    Parameters
    ----------
    outputs, targets
        Values ``[B, C]``.

    Returns
    -------
    Array
        ``[B]``, in float32 at least.

    Examples
    --------
    >>> import numpy as np
    >>> mse(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]])).tolist()
    [5.0]
    """
    return jnp.square(wide(outputs) - targets).reshape(outputs.shape[0], -1).mean(-1)


def one_hot_mse(outputs: Array, targets: Array) -> Array:
    """Squared distance to the one-hot vector of the label, averaged over the outputs of an example.

    Parameters
    ----------
    outputs
        Values ``[B, C]``.
    targets
        Integer labels ``[B]`` in ``0..C-1``.

    Returns
    -------
    Array
        ``[B]``, in float32 at least.

    Raises
    ------
    InputError
        If targets are no integers.

    Examples
    --------
    >>> import numpy as np
    >>> one_hot_mse(np.array([[0.5, 2.0]]), np.array([1])).tolist()
    [0.625]
    """
    require_labels("one_hot_mse", targets)
    return jnp.square(wide(outputs) - is_label(outputs, targets)).mean(-1)


def sse(outputs: Array, targets: Array) -> Array:
    """Squared error, summed over the outputs of an example: the squared distance between output and target.

    Parameters
    ----------
    outputs, targets
        Values ``[B, C]``.

    Returns
    -------
    Array
        ``[B]``, in float32 at least.

    Examples
    --------
    >>> import numpy as np
    >>> sse(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]])).tolist()
    [10.0]
    """
    return jnp.square(wide(outputs) - targets).reshape(outputs.shape[0], -1).sum(-1)


def hinge(outputs: Array, targets: Array) -> Array:
    """Hinge loss, averaged over the outputs of an example: the mean of ``max(0, 1 - target * output)``.

    Parameters
    ----------
    outputs
        Values ``[B, C]``.
    targets
        Signs ``[B, C]``, -1 or 1, as floats.

    Returns
    -------
    Array
        ``[B]``, in float32 at least.

    Raises
    ------
    InputError
        If targets are class labels, or of another shape than the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> hinge(np.array([[0.25], [-0.5], [3.0]]), np.ones((3, 1))).tolist()
    [0.75, 1.5, 0.0]
    """
    if jnp.issubdtype(targets.dtype, jnp.integer) or targets.shape != outputs.shape:
        raise InputError(
            f"loss is 'hinge', but the targets are {targets.dtype}{list(targets.shape)} for outputs {list(outputs.shape)}: "
            "give a float target of -1 or 1 per output, such as those of memjax.tasks.SparseParity."
        )
    return jnp.maximum(0, 1 - targets * wide(outputs)).reshape(outputs.shape[0], -1).mean(-1)
