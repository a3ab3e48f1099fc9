"""JAX's settings: dtypes under the current settings, the settings that change a program, and the compile cache on disk."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.file_names import absolute
from memjax.errors import InputError

__all__ = [
    "compile_settings",
    "enable_compile_cache",
    "float_dtype",
    "host_dtype",
    "named_settings",
    "product_precision",
    "under",
    "wide",
    "x64_enabled",
]

_NAMES = ("x64", "matmul_precision", "dtype_promotion", "rank_promotion", "threefry_partitionable")


def x64_enabled() -> bool:
    """Whether this thread has 64-bit numbers enabled."""
    return jax.dtypes.canonicalize_dtype(np.float64) == np.float64


def float_dtype() -> np.dtype:
    """Dtype of numbers that enter a program: float32, or float64 if 64-bit numbers are enabled."""
    return np.dtype(jax.dtypes.canonicalize_dtype(np.float64))


def host_dtype(dtype: np.dtype) -> np.dtype:
    """Dtype in which host data are packed, in native byte order: one dtype for all floats; integers keep up to 32 bits.

    Examples
    --------
    >>> host_dtype(np.dtype("float64")), host_dtype(np.dtype("uint8"))
    (dtype('float32'), dtype('uint8'))
    """
    if np.issubdtype(dtype, np.floating):
        return float_dtype()
    return np.dtype(jax.dtypes.canonicalize_dtype(np.dtype(dtype).newbyteorder("=")))


def wide(values: Any) -> jax.Array:
    """Cast floating-point numbers to float32 or wider, for sums; integers and wider floats stay unchanged.

    In 16 bits a sum of ones stops at 256 (bfloat16) or 2048 (float16), and the largest float16 is 65,504.

    Examples
    --------
    >>> [wide(jnp.ones(2, name)).dtype.name for name in ("bfloat16", "float32", "int8")]
    ['float32', 'float32', 'int8']
    """
    values = jnp.asarray(values)
    narrow = jnp.issubdtype(values.dtype, jnp.floating) and jnp.finfo(values.dtype).bits < 32
    return values.astype(jnp.float32) if narrow else values


def product_precision() -> str | None:
    """Precision of matrix products, as JAX names it: the user's, and that of float32 where the user has chosen none.

    JAX's own default on a GPU is TF32 and on a TPU bfloat16, whose products have three decimal digits. Under
    ``jax.default_matmul_precision("default")`` a sweep takes these.

    Examples
    --------
    >>> with jax.default_matmul_precision("high"):
    ...     product_precision()
    'high'
    """
    config: Any = jax.config
    chosen: str | None = config.jax_default_matmul_precision
    # Products on a CPU are in float32 whatever the setting says, so programs there are left as they are.
    return "highest" if chosen is None and jax.default_backend() != "cpu" else chosen


def compile_settings() -> tuple[Any, ...]:
    """JAX's settings of this thread that change how a program is traced or compiled."""
    config: Any = jax.config
    return (
        x64_enabled(),
        product_precision(),
        config.jax_numpy_dtype_promotion,
        config.jax_numpy_rank_promotion,
        config.jax_threefry_partitionable,
    )


def named_settings() -> dict[str, Any]:
    """The settings of `compile_settings` by name, as plain data; the precision is the user's, None for float32."""
    config: Any = jax.config
    settings = (compile_settings()[0], config.jax_default_matmul_precision, *compile_settings()[2:])
    values = (value if isinstance(value, bool | None) else str(value) for value in settings)
    return dict(zip(_NAMES, values, strict=True))


@contextlib.contextmanager
def under(settings: tuple[Any, ...]) -> Iterator[None]:
    """Apply the settings of another thread or process here: JAX keeps settings from context managers per thread."""
    x64, matmul, dtypes, ranks, threefry = settings
    with (
        jax.enable_x64(x64),
        # A process without an accelerator may send work to one with.
        jax.default_matmul_precision(matmul or product_precision()),
        jax.numpy_dtype_promotion(dtypes),
        jax.numpy_rank_promotion(ranks),
        jax.threefry_partitionable(threefry),
    ):
        yield


def enable_compile_cache(folder: str | os.PathLike[str] | None = None) -> Path:
    """Keep compiled programs on disk; call this once before the first sweep. The command line does so.

    Parameters
    ----------
    folder
        Folder of the cache; None takes the environment variable ``MEMJAX_CACHE``, else ``memjax`` in the user's cache
        folder. It may be deleted at any time.

    Returns
    -------
    Path
        The folder, created if necessary.

    Examples
    --------
    >>> import tempfile, memjax
    >>> with tempfile.TemporaryDirectory() as scratch:
    ...     memjax.enable_compile_cache(scratch) == Path(scratch)
    True
    """
    chosen = absolute("The compile cache", folder or os.environ.get("MEMJAX_CACHE") or _user_cache() / "memjax")
    try:
        chosen.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(
            f"The compile cache {str(chosen)!r} cannot be made ({problem.strerror}): choose another folder, or leave it off."
        ) from None
    jax.config.update("jax_compilation_cache_dir", str(chosen))
    # By default JAX caches only programs that took a second to compile; memjax has many that take less.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return chosen


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
