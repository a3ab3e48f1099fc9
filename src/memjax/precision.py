"""Number types: what 64-bit data becomes under JAX's current setting."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["compile_settings", "float_dtype", "host_dtype", "named_settings", "under", "wide", "x64_enabled"]

_NAMES = ("x64", "matmul_precision", "dtype_promotion", "rank_promotion", "threefry_partitionable")


def x64_enabled() -> bool:
    """Whether this thread has 64-bit numbers enabled."""
    return jax.dtypes.canonicalize_dtype(np.float64) == np.float64


def float_dtype() -> np.dtype:
    """Type of a number that enters a program: float32, or float64 where that is enabled."""
    return np.dtype(jax.dtypes.canonicalize_dtype(np.float64))


def host_dtype(dtype: np.dtype) -> np.dtype:
    """Type that host data of a dtype is packed as: all floats alike, whole numbers as they are up to 32 bits, all native.

    Examples
    --------
    >>> host_dtype(np.dtype("float64")), host_dtype(np.dtype("uint8"))
    (dtype('float32'), dtype('uint8'))
    """
    if np.issubdtype(dtype, np.floating):
        return float_dtype()
    return np.dtype(jax.dtypes.canonicalize_dtype(np.dtype(dtype).newbyteorder("=")))


def wide(values: Any) -> jax.Array:
    """Floating-point numbers in float32 at least, as sums need them; whole numbers and wider ones stay as they are.

    In 16 bits a sum of ones stops at 256 (bfloat16) or 2048 (float16), and float16 ends at 65,504.

    Examples
    --------
    >>> [wide(jnp.ones(2, name)).dtype.name for name in ("bfloat16", "float32", "int8")]
    ['float32', 'float32', 'int8']
    """
    values = jnp.asarray(values)
    narrow = jnp.issubdtype(values.dtype, jnp.floating) and jnp.finfo(values.dtype).bits < 32
    return values.astype(jnp.float32) if narrow else values


def compile_settings() -> tuple[Any, ...]:
    """JAX's settings of this thread under which the same program is traced or compiled to something else."""
    config: Any = jax.config
    return (
        x64_enabled(),
        config.jax_default_matmul_precision,
        config.jax_numpy_dtype_promotion,
        config.jax_numpy_rank_promotion,
        config.jax_threefry_partitionable,
    )


def named_settings() -> dict[str, Any]:
    """The same settings by name, as plain data."""
    values = (value if isinstance(value, bool | None) else str(value) for value in compile_settings())
    return dict(zip(_NAMES, values, strict=True))


@contextlib.contextmanager
def under(settings: tuple[Any, ...]) -> Iterator[None]:
    """Give this thread the settings of another, for JAX keeps those set by a context manager per thread."""
    x64, matmul, dtypes, ranks, threefry = settings
    with (
        jax.enable_x64(x64),
        jax.default_matmul_precision(matmul),
        jax.numpy_dtype_promotion(dtypes),
        jax.numpy_rank_promotion(ranks),
        jax.threefry_partitionable(threefry),
    ):
        yield
