"""Norm of the parameters of the last layer, or of a layer by name; the last layer's norm is one sign of a slingshot."""

from __future__ import annotations

import re

import jax

from memjax.errors import InputError, listing
from memjax.examples import Examples
from memjax.measures.measure import Measure
from memjax.measures.recorded.norms import layer_l2
from memjax.parameter_trees import norm, path_names
from memjax.types import Apply, Array, Params

__all__ = ["l2_of", "last_layer_l2", "tells_layers"]


def tells_layers(measure: Measure) -> bool:
    """Whether a measure of memjax tells the layers of a network apart, by their names.

    Examples
    --------
    >>> tells_layers(layer_l2), tells_layers(l2_of("layer_0"))
    (True, True)
    """
    return measure.function is layer_l2.function or getattr(measure.function, "__module__", "") == __name__


def _layers(params: Params) -> dict[str, list[Array]]:
    """Parameter arrays by the first name on their path; a tree that is one array has an empty name."""
    found: dict[str, list[Array]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        found.setdefault((path_names(path) or [""])[0], []).append(leaf)
    return found


def _by_number(name: str) -> list[tuple[int, str]]:
    """Key of an order in which ``layer_10`` comes after ``layer_9``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _last_layer_l2(params: Params, apply: Apply, examples: Examples) -> Array:
    del apply, examples
    layers = _layers(params)
    return norm(layers[max(layers, key=_by_number)])


last_layer_l2 = Measure(_last_layer_l2, "last_layer_l2", long_name="L2 norm of the last layer")
"""Euclidean norm of the parameters of the last layer (Thilak et al. 2022, "The slingshot mechanism").

The last layer is the entry of the parameter tree whose name comes last, with numbers in their order: ``layer_10`` of a
`memjax.models.MLP` of ten hidden layers. If the names of a model have another order, use `l2_of`.

Examples
--------
>>> import jax.numpy as jnp
>>> import memjax as mj
>>> params = {"layer_9": jnp.array([7.0]), "layer_10": {"kernel": jnp.array([3.0]), "bias": jnp.array([4.0])}}
>>> float(mj.measures.last_layer_l2.function(params, None, None))
5.0
"""


def l2_of(layer: str) -> Measure:
    """Euclidean norm of the parameters of one layer, biases included.

    Parameters
    ----------
    layer
        Name of an entry of the parameter tree: the part before the first slash in the labels of ``layer_l2``.

    Returns
    -------
    Measure
        Its name is ``l2_of_<layer>``; characters other than letters, digits and underscores become underscores.

    Raises
    ------
    InputError
        If ``layer`` is no name. When the measure is taken: if the parameters have no such layer.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"first": np.ones((5, 5)), "last": {"kernel": np.array([[3.0], [0.0]]), "bias": np.array([4.0])}}
    >>> float(l2_of("last").function(params, None, None))
    5.0
    """
    if not isinstance(layer, str) or not layer:
        raise InputError(f"layer is {layer!r}: give the name of an entry of the parameter tree, such as 'layer_0'.")

    def taken(params: Params, apply: Apply, examples: Examples) -> Array:
        del apply, examples
        layers = _layers(params)
        if layer not in layers:
            raise InputError(f"The parameters have no layer {layer!r}: use {listing(layers)}.")
        return norm(layers[layer])

    return Measure(taken, f"l2_of_{re.sub(r'[^0-9A-Za-z_]', '_', layer)}", long_name=f"L2 norm of {layer}")
