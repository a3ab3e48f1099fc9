"""The last layer's norm and the change of features: what the slingshot is seen in."""

from __future__ import annotations

import re
from collections.abc import Callable

import jax
import numpy as np
import numpy.typing as npt

from memjax.checks.values import one_of
from memjax.errors import InputError, listing
from memjax.examples import Examples
from memjax.measures.measure import Measure
from memjax.trees import norm, path_names
from memjax.types import Apply, Array, Params

__all__ = ["feature_change", "l2_of", "last_layer_l2"]


def _layers(params: Params) -> dict[str, list[Array]]:
    """Parameter arrays by the first name on their path; of a tree that is one array, by an empty name."""
    found: dict[str, list[Array]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        found.setdefault((path_names(path) or [""])[0], []).append(leaf)
    return found


def _by_number(name: str) -> list[tuple[int, str]]:
    """Order in which ``layer_10`` comes after ``layer_9``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _last_layer_l2(params: Params, apply: Apply, examples: Examples) -> Array:
    del apply, examples
    layers = _layers(params)
    return norm(layers[max(layers, key=_by_number)])


last_layer_l2 = Measure(_last_layer_l2, "last_layer_l2", long_name="L2 norm of the last layer")
"""Euclidean norm of the parameters of the last layer (Thilak et al. 2022, "The slingshot mechanism").

The last layer is the last entry of the parameter tree, by its name, with numbers in their order: ``layer_10`` of a
`memjax.models.MLP` of ten hidden layers. Where the names do not say so, use `l2_of`.
"""


def l2_of(layer: str) -> Measure:
    """Euclidean norm of the parameters of one layer, biases included.

    Parameters
    ----------
    layer
        Name of an entry of the parameter tree, as ``layer_l2`` shows it before the first slash.

    Returns
    -------
    Measure
        Named ``l2_of_<layer>``, with what is no letter, digit or underscore in it as an underscore.

    Raises
    ------
    InputError
        If it is no name; when it is taken, if there is no such layer.

    Examples
    --------
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


def _powers(h: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    """Powers of two near the largest entries along some axes: multiplying by one rounds nothing, and squares stay in range."""
    return np.frexp(np.abs(h).max(axis, keepdims=True, initial=0))[1]


def _relative(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    powers = np.maximum(_powers(before, (-2, -1)), _powers(after, (-2, -1)))
    before, after = np.ldexp(before, -powers), np.ldexp(after, -powers)
    return np.linalg.norm(after - before, axis=(-2, -1)) / np.linalg.norm(before, axis=(-2, -1))


def _cosine(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    before, after = (np.ldexp(h, -_powers(h, (-1,))) for h in (before, after))
    lengths = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
    # An example whose features are all zero has no direction.
    counted = lengths > 0
    cosines = (before * after).sum(-1) / np.where(counted, lengths, 1)
    return (1 - cosines).sum(-1, where=counted) / counted.sum(-1)


_CHANGES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"relative": _relative, "cosine": _cosine}


def feature_change(before: npt.ArrayLike, after: npt.ArrayLike, measure: str = "relative") -> np.ndarray:
    """How far the features of the same examples have moved between two states of a network.

    Parameters
    ----------
    before, after
        Activations ``[..., examples, neurons]`` of one layer, as `memjax.Snapshot.hidden` gives them; leading axes are batches.
    measure
        ``relative``: ||after - before||_F / ||before||_F, which sees a growth in scale. ``cosine``: the mean over examples of
        one minus the cosine between before and after, which does not; examples without features, all zero, are left out.

    Returns
    -------
    np.ndarray
        ``float64[...]``; 0 where nothing moved, NaN where there were no features to move.

    Raises
    ------
    InputError
        If the shapes differ or the measure is not known.

    Examples
    --------
    >>> h = np.array([[3.0, 0.0], [0.0, 4.0]])
    >>> float(feature_change(h, 2 * h)), float(feature_change(h, 2 * h, "cosine"))
    (1.0, 0.0)
    """
    one_of("measure", measure, _CHANGES)
    first, second = (np.asarray(h, np.float64) for h in (before, after))
    if first.shape != second.shape or first.ndim < 2:
        raise InputError(
            f"The features have shapes {list(first.shape)} and {list(second.shape)}: give two arrays [..., examples, neurons] "
            "of one shape."
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(_CHANGES[measure](first, second))
