"""L2 norms of the parameters."""

from __future__ import annotations

import jax

from memjax.examples import Examples
from memjax.measures.measure import Measure
from memjax.parameter_trees import norm, path_names, sizes
from memjax.types import Apply, Array, Params

__all__ = ["distance_from_init", "layer_l2", "weight_l2"]


def _weight_l2(params: Params, apply: Apply, examples: Examples) -> Array:
    del apply, examples
    return norm(params)


def _distance_from_init(params: Params, apply: Apply, examples: Examples, *, initial: Params) -> Array:
    del apply, examples
    return norm(jax.tree.map(lambda now, then: now - then, params, initial))


def _layer_l2(params: Params, apply: Apply, examples: Examples) -> dict[str, Array]:
    del apply, examples
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {"/".join(path_names(path)): norm(leaf).astype(sizes(leaf).dtype) for path, leaf in leaves}


weight_l2 = Measure(_weight_l2, "weight_l2", long_name="L2 norm of all parameters")
"""Euclidean norm of all parameters, biases included.

Its growth is the subject of Ziming Liu, "How does memorization affect l2?" (blog post, 2026,
https://kindxiaoming.github.io/blog/2026/memorization-l2/).

Examples
--------
>>> import jax.numpy as jnp
>>> import memjax as mj
>>> params = {"kernel": jnp.array([[3.0], [0.0]]), "bias": jnp.array([4.0])}
>>> float(mj.measures.weight_l2.function(params, None, None))
5.0
"""

layer_l2 = Measure(_layer_l2, "layer_l2", dims=("parameter",), long_name="L2 norm per parameter array")
"""Euclidean norm of each parameter array, along the dimension ``parameter`` with labels such as ``layer_0/kernel``.

Examples
--------
>>> import jax.numpy as jnp
>>> import memjax as mj
>>> params = {"layer_0": {"kernel": jnp.array([[3.0], [0.0]]), "bias": jnp.array([4.0])}}
>>> norms = mj.measures.layer_l2.function(params, None, None)
>>> {name: float(norm) for name, norm in norms.items()}
{'layer_0/bias': 4.0, 'layer_0/kernel': 3.0}
"""

distance_from_init = Measure(
    _distance_from_init, "distance_from_init", long_name="distance from the initial parameters"
)
"""Euclidean distance of all parameters from the initial parameters of the run (Nagarajan and Kolter 2019, "Generalization in
deep networks: the role of distance from initialization"). A run with a ``start`` has its ``start`` as its initial parameters.

Examples
--------
>>> import jax.numpy as jnp
>>> import memjax as mj
>>> now, then = {"kernel": jnp.array([4.0, 5.0])}, {"kernel": jnp.array([1.0, 1.0])}
>>> float(mj.measures.distance_from_init.function(now, None, None, initial=then))
5.0
"""
