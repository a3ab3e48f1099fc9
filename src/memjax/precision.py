"""Number types: what 64-bit data becomes under JAX's current setting."""

from __future__ import annotations

import jax
import numpy as np

__all__ = ["float_dtype", "x64_enabled"]


def x64_enabled() -> bool:
    """Whether this thread has 64-bit numbers enabled."""
    return jax.dtypes.canonicalize_dtype(np.float64) == np.float64


def float_dtype() -> np.dtype:
    """Type of a number that enters a program: float32, or float64 where that is enabled."""
    return np.dtype(jax.dtypes.canonicalize_dtype(np.float64))
