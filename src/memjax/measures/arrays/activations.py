"""Checks of hidden activations, and the default cut of their rank."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import number
from memjax.errors import InputError, cause
from memjax.measures.arrays.whitening import namespace, smallest_rtol

__all__ = ["activations", "default_rtol", "settings"]


def activations(h: Any) -> Any:
    """Check activations ``[..., N, m]`` and give them as an array of NumPy, or of JAX if they are on an accelerator.

    Raises
    ------
    InputError
        If the activations are traced, are no array of real numbers, have fewer than two axes or are empty.

    Examples
    --------
    >>> activations([[True, False]]).shape
    (1, 2)
    """
    if isinstance(h, jax.core.Tracer):
        raise InputError("Activations are traced by JAX: call this on finished arrays, outside of jit, vmap and grad.")
    try:
        h = h if namespace(h) is jnp else np.asarray(h)
    except Exception as problem:  # whatever the conversion of another library's array raises
        raise InputError(f"Activations are no array, [..., examples, neurons] is needed: {cause(problem)}") from problem
    if not any(jax.dtypes.issubdtype(h.dtype, kind) for kind in (np.floating, np.integer, np.bool_)):
        raise InputError(f"Activations are of dtype {h.dtype}: give real numbers.")
    if h.ndim < 2 or 0 in h.shape:
        raise InputError(f"Activations have shape {h.shape}: give [..., examples, neurons], with none of them empty.")
    return h


def settings(h: Any, ridge: Any, rtol: Any) -> tuple[float, float]:
    """Check ridge and rtol, and fill in the default of rtol.

    Raises
    ------
    InputError
        If ``ridge`` is negative, or ``rtol`` below what can be resolved or above 0.5.
    """
    ridge, least = float(number("ridge", ridge, 0.0)), smallest_rtol(h.shape[-1])
    return ridge, default_rtol(h.dtype, h.shape[-1]) if rtol is None else float(number("rtol", rtol, least, 0.5))


def default_rtol(dtype: Any, width: int) -> float:
    """Default cut of the rank: a direction of m neurons counts if its singular value, over the largest, is above this number.

    Smaller singular values cannot be told from the rounding of the dtype.

    Examples
    --------
    >>> default_rtol(np.float32, 512) == 32 * 2**-23
    True
    """
    if not jax.dtypes.issubdtype(dtype, np.floating):
        return smallest_rtol(width)
    # Sums of numbers of 16 bits are taken in more bits and rounded once, when the result is stored.
    times = 32.0 if np.dtype(dtype).itemsize > 2 else 1.0
    return max(times * float(jnp.finfo(dtype).eps), smallest_rtol(width))
