"""The forward pass of a network, compiled once for all networks of one structure and all numbers of examples."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import is_user_code
from memjax.content import try_content
from memjax.fields import traced_values, with_numbers, without_numbers
from memjax.jax_settings import product_precision
from memjax.types import Model, Params

__all__ = ["forward"]

# Rows are filled up to one of these numbers, or cut into parts of the last: a model compiles at most three programs,
# however many numbers of examples there are. 512 rows keep a CPU's matrix products busy, and their activations in cache.
_WIDTHS = (8, 64, 512)


def forward(model: Model, method: str, params: Params, x: Any) -> Any:
    """Call a method ``(params, x[B, ...])`` of a model: its ``apply``, or its ``hidden_activations``.

    Parameters
    ----------
    model
        The model, with its number of outputs.
    method
        Name of the method; each row of what it gives must depend on the same row of ``x`` alone.
    params, x
        Arguments of the method.

    Returns
    -------
    Any
        What the method gives: an array ``[B, ...]`` of JAX, or a tree of them.
    """
    structure, numbers = without_numbers(model), traced_values(model)
    content = (try_content(structure) or "") if is_user_code(model) else ""
    try:
        function = functools.partial(_compiled(structure, method, content), numbers)
    except TypeError:  # A model without a hash.
        function = getattr(model, method)
    if isinstance(x, jax.core.Tracer) or jax.default_backend() != "cpu" or len(x) == 0:
        with jax.default_matmul_precision(product_precision()):
            return function(jax.tree.map(jnp.asarray, params), jnp.asarray(x))
    return _by_tiles(function, jax.device_put(params), np.asarray(x))


@functools.lru_cache(maxsize=64)
def _compiled(structure: Model, method: str, content: str) -> Any:
    """The compiled method. A function may read a global that changed, so ``content`` stands for all that it reads."""
    del content
    return jax.jit(lambda numbers, params, x: getattr(with_numbers(structure, numbers), method)(params, x))


def _by_tiles(function: Any, params: Params, x: np.ndarray) -> Any:
    """Rows in tiles of one width; the first row fills the last tile."""
    width = next((width for width in _WIDTHS if len(x) <= width), _WIDTHS[-1])
    starts = range(0, len(x), width)
    parts = [function(params, _filled(x[start : start + width], width)) for start in starts]
    if any(leaf.shape[:1] != (width,) for leaf in jax.tree.leaves(parts[0])):
        return function(params, jnp.asarray(x))
    join = lambda *leaves: jnp.asarray(np.concatenate([np.asarray(leaf) for leaf in leaves])[: len(x)])  # noqa: E731
    return jax.tree.map(join, *parts)


def _filled(rows: np.ndarray, width: int) -> np.ndarray:
    missing = width - len(rows)
    return np.concatenate([rows, np.repeat(rows[:1], missing, axis=0)]) if missing else rows
