"""Initial parameters of the built-in models, from one flat draw per run.

One draw of all parameters compiles in a tenth of a second; a draw per layer takes most of a second. Outside of a trace the
draw is a little program of its own, whose length is rounded up, and the rest is NumPy on the host. So models of many widths
share that program, and most models compile nothing. Both ways give the same bits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import one_of
from memjax.types import Array, Params

__all__ = ["check", "draw", "draw_normal", "stacked"]

# Numbers that are drawn in less time than a call of a program takes.
_LEAST_ROOM = 4096
_COUNTER = "threefry2x32"
_RULES = ("torch", "lecun", "he", "xavier", "normal")


def check(rule: str) -> None:
    """Raise `InputError` unless the rule is known."""
    one_of("The initializer", rule, _RULES)


def draw(
    key: Array, shapes: Any, rule: str, scale: Array | float, fan_out: Mapping[str, int] = MappingProxyType({})
) -> Params:
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
    fan_out
        Outputs that one input of a layer reaches, by layer, where they are not the last axis of the kernel alone.

    Returns
    -------
    Params
        Tree of arrays with those shapes and dtypes.
    """
    return _shaped(_flat(key, shapes, rule == "torch", scale), shapes, _spreads(shapes, rule, fan_out), scale)


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
    return _shaped(_flat(key, shapes, False, scale), shapes, spreads, scale)


def stacked(arrays: Sequence[Array]) -> Array:
    """Arrays of one shape along a new first axis; without a compile outside of a trace."""
    if any(isinstance(array, jax.core.Tracer) for array in arrays):
        return jnp.stack(arrays)
    return jnp.asarray(np.stack([np.asarray(array) for array in arrays]))


def _flat(key: Array, shapes: Any, uniform: bool, scale: Array | float) -> Any:
    """One number of unit spread for every parameter: an array of NumPy, or traced if the key or the scale is a tracer."""
    leaves = jax.tree.leaves(shapes)
    total, dtype = sum(leaf.size for leaf in leaves), leaves[0].dtype
    if isinstance(key, jax.core.Tracer) or isinstance(scale, jax.core.Tracer):
        return _numbers(key, total, dtype, uniform)
    # Each number depends on its place alone, so a longer draw begins with a shorter one.
    apart = jax.config.jax_threefry_partitionable and str(jax.random.key_impl(key)) == _COUNTER  # type: ignore[attr-defined]
    room = max(_LEAST_ROOM, 1 << (total - 1).bit_length()) if apart else total
    return np.asarray(_drawn(key, room, dtype, uniform))[:total]


def _numbers(key: Array, total: int, dtype: Any, uniform: bool) -> Array:
    if uniform:
        return jax.random.uniform(key, (total,), dtype, -1, 1)
    return jax.random.normal(key, (total,), dtype)


_drawn = functools.partial(jax.jit, static_argnums=(1, 2, 3))(_numbers)


def _shaped(flat: Any, shapes: Any, spreads: Any, scale: Array | float) -> Params:
    """Cut a flat draw of unit spread into a tree of arrays."""
    if isinstance(flat, np.ndarray):
        factor = lambda spread: np.asarray(spread, flat.dtype) * np.asarray(scale, flat.dtype)  # noqa: E731
    else:
        factor = lambda spread: spread * jnp.asarray(scale, flat.dtype)  # noqa: E731
    leaves, tree = jax.tree.flatten(shapes)
    offsets = [0, *_cumulative([leaf.size for leaf in leaves])]
    parts = [
        flat[start : start + leaf.size].reshape(leaf.shape) * factor(spread)
        for start, leaf, spread in zip(offsets, leaves, jax.tree.leaves(spreads), strict=False)
    ]
    # All at once, for each transfer costs as much as a small draw.
    return jax.tree.unflatten(tree, jax.device_put(parts) if isinstance(flat, np.ndarray) else parts)


def _cumulative(sizes: list[int]) -> list[int]:
    return [sum(sizes[: end + 1]) for end in range(len(sizes))]


def _spreads(shapes: Any, rule: str, fan_out: Mapping[str, int]) -> Any:
    """Factor on the unit draw for every leaf, in the structure of ``shapes``."""
    return {
        layer: _layer_spreads(leaves, rule, fan_out.get(layer, leaves["kernel"].shape[-1]))
        for layer, leaves in shapes.items()
    }


def _layer_spreads(leaves: dict[str, Any], rule: str, fan_out: int) -> dict[str, float]:
    fan_in = math.prod(leaves["kernel"].shape[:-1])
    weight = {
        "torch": fan_in**-0.5,
        "lecun": fan_in**-0.5,
        "he": (2 / fan_in) ** 0.5,
        "xavier": (2 / (fan_in + fan_out)) ** 0.5,
        "normal": 1.0,
    }[rule]
    bias = fan_in**-0.5 if rule == "torch" else 0.0
    return {name: bias if name == "bias" else weight for name in leaves}
