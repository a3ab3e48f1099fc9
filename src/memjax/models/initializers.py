"""Initial parameters of the built-in models, from one flat draw per run.

One draw of all parameters compiles in a tenth of a second; a draw per layer takes most of a second.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from memjax.checks.values import one_of
from memjax.types import Array, Params

__all__ = ["check", "draw", "draw_normal"]

_RULES = ("torch", "lecun", "he", "xavier", "normal")


def check(rule: str) -> None:
    """Raise `InputError` unless the rule is known."""
    one_of("The initializer", rule, _RULES)


def draw(key: Array, shapes: Any, rule: str, scale: Array | float) -> Params:
    """Draw parameters for a tree of layers ``{layer: {"kernel": [fan_in, ...], "bias": [...]}}``.

    Parameters
    ----------
    key
        Random key.
    shapes
        Tree of shape structs.
    rule
        ``torch``, ``lecun``, ``he``, ``xavier`` or ``normal``; see `memjax.models.MLP`.
    scale
        Multiplies every parameter.

    Returns
    -------
    Params
        Tree of arrays with those shapes and dtypes.
    """
    leaves = jax.tree.leaves(shapes)
    total, dtype = sum(leaf.size for leaf in leaves), leaves[0].dtype
    flat = (
        jax.random.uniform(key, (total,), dtype, -1, 1) if rule == "torch" else jax.random.normal(key, (total,), dtype)
    )
    return _shaped(flat, shapes, _spreads(shapes, rule), scale)


def draw_normal(key: Array, shapes: Any, spreads: Any, scale: Array | float) -> Params:
    """Draw normal parameters with a standard deviation per array, for models with rules of their own.

    Parameters
    ----------
    key
        Random key.
    shapes
        Tree of shape structs.
    spreads
        Tree of the same structure, one number per array; 0 for arrays that begin at zero.
    scale
        Multiplies every parameter.

    Returns
    -------
    Params
        Tree of arrays with those shapes and dtypes.
    """
    leaves = jax.tree.leaves(shapes)
    flat = jax.random.normal(key, (sum(leaf.size for leaf in leaves),), leaves[0].dtype)
    return _shaped(flat, shapes, spreads, scale)


def _shaped(flat: Array, shapes: Any, spreads: Any, scale: Array | float) -> Params:
    """Cut a flat draw of unit spread into a tree of arrays."""
    leaves, tree = jax.tree.flatten(shapes)
    offsets = [0, *_cumulative([leaf.size for leaf in leaves])]
    parts = [
        flat[start : start + leaf.size].reshape(leaf.shape) * (spread * jnp.asarray(scale, flat.dtype))
        for start, leaf, spread in zip(offsets, leaves, jax.tree.leaves(spreads), strict=False)
    ]
    return jax.tree.unflatten(tree, parts)


def _cumulative(sizes: list[int]) -> list[int]:
    return [sum(sizes[: end + 1]) for end in range(len(sizes))]


def _spreads(shapes: Any, rule: str) -> Any:
    """Factor on the unit draw for every leaf, in the structure of ``shapes``."""
    return {layer: _layer_spreads(leaves, rule) for layer, leaves in shapes.items()}


def _layer_spreads(leaves: dict[str, Any], rule: str) -> dict[str, float]:
    *inputs, fan_out = leaves["kernel"].shape
    fan_in = math.prod(inputs)
    weight = {
        "torch": fan_in**-0.5,
        "lecun": fan_in**-0.5,
        "he": (2 / fan_in) ** 0.5,
        "xavier": (2 / (fan_in + fan_out)) ** 0.5,
        "normal": 1.0,
    }[rule]
    bias = fan_in**-0.5 if rule == "torch" else 0.0
    return {name: bias if name == "bias" else weight for name in leaves}
