"""L2 norms of the parameters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from memjax.examples import Examples
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["layer_l2", "path_names", "squared_norm", "weight_l2"]


def path_names(path: tuple[Any, ...]) -> list[str]:
    """Names along a path into a tree of parameters: keys of dicts, places in lists, names of fields.

    Examples
    --------
    >>> [path_names(path) for path, _ in jax.tree_util.tree_leaves_with_path({"w": [1.0, 2.0]})]
    [['w', '0'], ['w', '1']]
    """
    return [str(next(getattr(key, name) for name in ("key", "idx", "name") if hasattr(key, name))) for key in path]


def squared_norm(tree: Params) -> Array:
    """Sum of squares over all leaves of a tree.

    Examples
    --------
    >>> float(squared_norm({"w": jnp.array([3.0, 4.0]), "b": jnp.array([0.0])}))
    25.0
    """
    return sum((jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)), start=jnp.zeros(()))


def _weight_l2(params: Params, apply: Apply, examples: Examples) -> Array:
    del apply, examples
    return jnp.sqrt(squared_norm(params))


def _layer_l2(params: Params, apply: Apply, examples: Examples) -> dict[str, Array]:
    del apply, examples
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {"/".join(path_names(path)): jnp.sqrt(jnp.sum(jnp.square(leaf))) for path, leaf in leaves}


weight_l2 = Measure(_weight_l2, "weight_l2", long_name="L2 norm of all parameters")
"""Euclidean norm of all parameters, biases included (Liu, "How does memorization affect l2?")."""

layer_l2 = Measure(_layer_l2, "layer_l2", dims=("parameter",), long_name="L2 norm per parameter array")
"""Euclidean norm of each parameter array, along the dimension ``parameter`` with labels such as ``layer_0/kernel``."""
