"""The compile cache on disk: the second start of the same work compiles nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jax

from memjax.errors import InputError
from memjax.file_names import absolute

__all__ = ["enable_compile_cache"]


def enable_compile_cache(folder: str | os.PathLike[str] | None = None) -> Path:
    """Keep compiled programs on disk; call it once before the first sweep. The command line does.

    Parameters
    ----------
    folder
        Where to keep them; None takes the environment variable ``MEMJAX_CACHE``, else ``memjax`` in the user's cache
        folder. It may be deleted at any time.

    Returns
    -------
    Path
        The folder, created if need be.

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
    # JAX keeps only what took a second to compile; ours are many programs of less.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return chosen


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
