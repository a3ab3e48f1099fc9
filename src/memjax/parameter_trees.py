"""Parameters as a tree and as one flat vector: names of leaves, conversion in both directions, and norms."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.jax_settings import wide
from memjax.types import Array, Params

__all__ = [
    "Layout",
    "alone",
    "flatten_runs",
    "layout_of",
    "layout_of_runs",
    "nested",
    "norm",
    "normal_numbers",
    "path_names",
    "ranks",
    "sizes",
    "tree_like",
    "unit",
]

Layout = list[tuple[list[str], list[int]]]
"""Path and shape of every leaf of one run's parameters, as lists for JSON."""


def path_names(path: tuple[Any, ...]) -> list[str]:
    """Names along a path into a tree of parameters: keys of dicts, positions in lists, names of fields.

    Examples
    --------
    >>> [path_names(path) for path, _ in jax.tree_util.tree_leaves_with_path({"w": [1.0, 2.0]})]
    [['w', '0'], ['w', '1']]
    """
    return [str(next(getattr(key, name) for name in ("key", "idx", "name") if hasattr(key, name))) for key in path]


def layout_of(params: Any) -> tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]:
    """Path and shape of every leaf of a tree of arrays or shape structs.

    Examples
    --------
    >>> layout_of({"w": np.ones((2, 3))})
    ((('w',), (2, 3)),)
    """
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return tuple((tuple(path_names(path)), tuple(np.shape(leaf))) for path, leaf in leaves)


def tree_like(like: Any, flat: Any) -> Params:
    """Flat parameters ``[..., P]`` (NumPy or JAX) as a tree with the structure, shapes and dtypes of ``like``.

    Axes before the last, such as one of networks, come before the axes of every array. Parameters behind those that ``like``
    has are left out.

    Examples
    --------
    >>> tree_like({"b": np.zeros(1), "w": np.zeros((1, 2))}, np.arange(3.0))
    {'b': array([0.]), 'w': array([[1., 2.]])}
    >>> tree_like({"b": np.zeros(1), "w": np.zeros(2)}, np.ones((5, 4)))["w"].shape
    (5, 2)
    """
    leaves, tree = jax.tree.flatten(like)
    starts = np.cumsum([0, *(leaf.size for leaf in leaves)])
    parts = (flat[..., start : start + leaf.size] for start, leaf in zip(starts, leaves, strict=False))
    lead = flat.shape[:-1]
    return jax.tree.unflatten(
        tree, [part.reshape(*lead, *leaf.shape).astype(leaf.dtype) for part, leaf in zip(parts, leaves, strict=True)]
    )


def layout_of_runs(params: Params) -> Layout:
    """Paths and shapes of parameters with a leading axis of runs; the shapes are without that axis.

    Examples
    --------
    >>> layout_of_runs({"w": np.ones((5, 2, 3))})
    [(['w'], [2, 3])]
    """
    return [(list(path), list(shape[1:])) for path, shape in layout_of(params)]


def flatten_runs(params: Params) -> np.ndarray:
    """Parameters of several runs, a tree with leaves ``[R, ...]``, as one array ``[R, P]``.

    Examples
    --------
    >>> flatten_runs({"b": np.zeros((2, 1)), "w": np.ones((2, 2, 1))}).tolist()
    [[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(params)]
    return np.concatenate([leaf.reshape(leaf.shape[0], -1) for leaf in leaves], axis=1)


def nested(flat: np.ndarray, layout: Layout) -> Any:
    """Nested dicts of arrays ``[..., shape]`` from ``[..., P]``; a single array if the layout is one leaf without a path.

    Examples
    --------
    >>> nested(np.arange(3.0), [(["layer", "bias"], [1]), (["layer", "kernel"], [1, 2])])
    {'layer': {'bias': array([0.]), 'kernel': array([[1., 2.]])}}
    """
    lead = flat.shape[:-1]
    if layout and not layout[0][0]:
        return flat[..., : int(np.prod(layout[0][1]))].reshape(*lead, *layout[0][1])
    tree: dict[str, Any] = {}
    start = 0
    for path, shape in layout:
        size = int(np.prod(shape))
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = flat[..., start : start + size].reshape(*lead, *shape)
        start += size
    return tree


def ranks(like: Any) -> Params:
    """The place of every entry in the flat vector of a tree of shapes, from 1, as a tree of arrays ``int32``.

    Examples
    --------
    >>> ranks({"b": np.zeros(1), "w": np.zeros((1, 2))})
    {'b': array([1], dtype=int32), 'w': array([[2, 3]], dtype=int32)}
    """
    leaves, tree = jax.tree.flatten(like)
    ends = np.cumsum([math.prod(leaf.shape) for leaf in leaves])
    made = [
        np.arange(end - math.prod(leaf.shape), end, dtype=np.int32) + 1 for leaf, end in zip(leaves, ends, strict=True)
    ]
    return jax.tree.unflatten(tree, [flat.reshape(leaf.shape) for flat, leaf in zip(made, leaves, strict=True)])


def unit(vector: Array) -> tuple[Array, Array]:
    """Direction and length of a vector ``[P]``; a vector of zeros is returned unchanged.

    Examples
    --------
    >>> direction, length = unit(jnp.array([3e-30, 4e-30]))
    >>> [f"{value:.1f}" for value in direction], f"{length:.0e}"
    (['0.6', '0.8'], '5e-30')
    """
    # Divide by the largest entry first: squares of entries below 1e-19 or above 1e19 leave the range of float32.
    largest = jnp.abs(vector).max()
    # XLA divides by multiplying with the reciprocal, which underflows for divisors near the largest number of a dtype.
    down = jnp.where(largest > 1, 2.0**-8, 1.0).astype(vector.dtype)
    vector = (down * vector) / jnp.where(largest == 0, 1, down * largest)
    norm = jnp.sqrt(jnp.square(vector).sum())
    return vector / jnp.where(norm == 0, 1, norm), largest * norm


def alone(tree: Params, live: Params | None) -> Params:
    """A tree with zeros where a tree of places is zero: the parameters of a padded network without its padding.

    Examples
    --------
    >>> alone([jnp.array([1.0, jnp.nan])], [jnp.array([1, 0])])[0].tolist(), alone(3.0, None)
    ([1.0, 0.0], 3.0)
    """
    return tree if live is None else jax.tree.map(lambda place, leaf: jnp.where(place > 0, leaf, 0), live, tree)


def normal_numbers(key: Array, size: int, dtype: Any, live: Array | None = None) -> Array:
    """Standard normal numbers ``[P]``; with places ``live[P]``, which count from 1, those of a vector of live entries alone.

    Examples
    --------
    >>> key, places = jax.random.key(0), jnp.array([2, 0, 1])
    >>> padded, alone = normal_numbers(key, 3, jnp.float32, places), normal_numbers(key, 2, jnp.float32)
    >>> bool((padded[jnp.array([2, 0])] == alone).all()), float(padded[1])
    (True, 0.0)
    """
    numbers = jax.random.normal(key, (size,), dtype)
    # Each number depends on its place alone, so a shorter vector holds the first numbers of a longer one.
    return numbers if live is None else jnp.where(live > 0, numbers[live - 1], 0)


def norm(tree: Params) -> Array:
    """Euclidean norm of all leaves of a tree, in float32 or wider, also where squares of entries leave the range.

    Examples
    --------
    >>> float(norm({"w": jnp.array([3.0, 4.0]), "b": jnp.array([0.0])})), f"{norm(jnp.array([3e-30, 4e-30])):.0e}"
    (5.0, '5e-30')
    """
    leaves = [sizes(leaf) for leaf in jax.tree.leaves(tree) if jnp.size(leaf)]
    squares = sum((jnp.sum(jnp.square(leaf)) for leaf in leaves), start=jnp.zeros(()))
    if not leaves:
        return squares
    kind = min((jnp.finfo(leaf.dtype) for leaf in leaves), key=lambda kind: kind.bits)
    # Below this sum, squares that underflowed may matter; above the largest number of the dtype, squares overflowed.
    least = sum(leaf.size for leaf in leaves) * float(kind.tiny) / float(kind.eps)
    inside = (squares >= least) & (squares <= float(kind.max))
    scaled = unit(jnp.stack([unit(leaf.reshape(-1))[1] for leaf in leaves]))[1]
    return jnp.where(inside | ~jnp.isfinite(scaled), jnp.sqrt(squares), scaled)


def sizes(leaf: Array) -> Array:
    """Entries as float32 or wider; absolute values of complex entries."""
    if jnp.iscomplexobj(leaf):
        return jnp.abs(leaf)
    return wide(leaf) if jnp.issubdtype(leaf.dtype, jnp.floating) else jnp.asarray(leaf, float)
