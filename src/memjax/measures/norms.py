"""L2 norms of the parameters."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.examples import Examples
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["layer_l2", "squared_norm", "weight_l2"]


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
    return {
        "/".join(str(getattr(key, "key", getattr(key, "idx", key))) for key in path): jnp.sqrt(
            jnp.sum(jnp.square(leaf))
        )
        for path, leaf in leaves
    }


weight_l2 = Measure(_weight_l2, "weight_l2", long_name="L2 norm of all parameters")
"""Euclidean norm of all parameters, biases included (Liu, "How does memorization affect l2?")."""

layer_l2 = Measure(_layer_l2, "layer_l2", dims=("parameter",), long_name="L2 norm per parameter array")
"""Euclidean norm of each parameter array, along the dimension ``parameter`` with labels such as ``layer_0/kernel``."""
