"""L2 norms of the parameters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from memjax.examples import Examples
from memjax.measures.measure import Measure
from memjax.precision import wide
from memjax.types import Apply, Array, Params

__all__ = ["layer_l2", "norm", "path_names", "unit", "weight_l2"]


def path_names(path: tuple[Any, ...]) -> list[str]:
    """Names along a path into a tree of parameters: keys of dicts, places in lists, names of fields.

    Examples
    --------
    >>> [path_names(path) for path, _ in jax.tree_util.tree_leaves_with_path({"w": [1.0, 2.0]})]
    [['w', '0'], ['w', '1']]
    """
    return [str(next(getattr(key, name) for name in ("key", "idx", "name") if hasattr(key, name))) for key in path]


def unit(vector: Array) -> tuple[Array, Array]:
    """Direction and length of a vector ``[P]``; a vector of zeros has no direction and stays as it is.

    Examples
    --------
    >>> direction, length = unit(jnp.array([3e-30, 4e-30]))
    >>> [f"{value:.1f}" for value in direction], f"{length:.0e}"
    (['0.6', '0.8'], '5e-30')
    """
    # First divide by the largest entry: squares of gradients below 1e-19 or above 1e19 are out of the range of float32.
    largest = jnp.abs(vector).max()
    # A division multiplies by the reciprocal, and the reciprocal of a number near the largest of a dtype underflows.
    down = jnp.where(largest > 1, 2.0**-8, 1.0).astype(vector.dtype)
    vector = (down * vector) / jnp.where(largest == 0, 1, down * largest)
    norm = jnp.sqrt(jnp.square(vector).sum())
    return vector / jnp.where(norm == 0, 1, norm), largest * norm


def norm(tree: Params) -> Array:
    """Euclidean norm of all leaves of a tree, in float32 at least, right over the whole range of the dtype.

    Examples
    --------
    >>> float(norm({"w": jnp.array([3.0, 4.0]), "b": jnp.array([0.0])})), f"{norm(jnp.array([3e-30, 4e-30])):.0e}"
    (5.0, '5e-30')
    """
    leaves = [_sizes(leaf) for leaf in jax.tree.leaves(tree) if jnp.size(leaf)]
    squares = sum((jnp.sum(jnp.square(leaf)) for leaf in leaves), start=jnp.zeros(()))
    if not leaves:
        return squares
    kind = min((jnp.finfo(leaf.dtype) for leaf in leaves), key=lambda kind: kind.bits)
    # Below this sum, squares that underflowed may matter; above the largest number of the dtype, some squares overflowed.
    least = sum(leaf.size for leaf in leaves) * float(kind.tiny) / float(kind.eps)
    inside = (squares >= least) & (squares <= float(kind.max))
    scaled = unit(jnp.stack([unit(leaf.reshape(-1))[1] for leaf in leaves]))[1]
    return jnp.where(inside | ~jnp.isfinite(scaled), jnp.sqrt(squares), scaled)


def _sizes(leaf: Array) -> Array:
    """Entries as floats of 32 bits at least; complex entries become their absolute values."""
    if jnp.iscomplexobj(leaf):
        return jnp.abs(leaf)
    return wide(leaf) if jnp.issubdtype(leaf.dtype, jnp.floating) else jnp.asarray(leaf, float)


def _weight_l2(params: Params, apply: Apply, examples: Examples) -> Array:
    del apply, examples
    return norm(params)


def _layer_l2(params: Params, apply: Apply, examples: Examples) -> dict[str, Array]:
    del apply, examples
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {"/".join(path_names(path)): norm(leaf).astype(_sizes(leaf).dtype) for path, leaf in leaves}


weight_l2 = Measure(_weight_l2, "weight_l2", long_name="L2 norm of all parameters")
"""Euclidean norm of all parameters, biases included (Liu, "How does memorization affect l2?")."""

layer_l2 = Measure(_layer_l2, "layer_l2", dims=("parameter",), long_name="L2 norm per parameter array")
"""Euclidean norm of each parameter array, along the dimension ``parameter`` with labels such as ``layer_0/kernel``."""
