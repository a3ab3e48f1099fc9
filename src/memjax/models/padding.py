"""Networks of several widths and depths in one program: parameters among zeros, in the arrays of a larger network.

A unit of the wider network whose parameters are zero adds nothing to the outputs, whatever its activation gives for zero.
The engine keeps these parameters at zero, so a padded network computes and learns what the true network does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.types import Params

__all__ = ["Stack", "in_corner", "in_corners_of_rows", "wider"]


class Stack(NamedTuple):
    """Room for networks of equal hidden layers of several depths.

    Attributes
    ----------
    width
        Units of every hidden layer.
    layers
        Number of hidden layers.
    """

    width: int
    layers: int


def in_corner(leaf: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """An array in the corner of zeros of a larger shape.

    Examples
    --------
    >>> in_corner(np.ones((1, 2)), (2, 3)).tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    padded = np.zeros(tuple(shape), leaf.dtype)
    padded[tuple(slice(0, size) for size in leaf.shape)] = leaf
    return padded


def in_corners_of_rows(leaf: np.ndarray, shape: Sequence[int], parts: int) -> np.ndarray:
    """A kernel ``[parts * n, ...]`` whose rows are parts side by side, each part in the corner of its own part.

    Examples
    --------
    >>> in_corners_of_rows(np.array([1.0, 2.0]), (4,), 2).tolist()
    [1.0, 0.0, 2.0, 0.0]
    """
    apart = leaf.reshape(parts, -1, *leaf.shape[1:])
    return in_corner(apart, (parts, shape[0] // parts, *shape[1:])).reshape(tuple(shape))


def wider(params: Params, shapes: Any) -> Params:
    """Every array of a tree in the corner of zeros of the shape in ``shapes``, a tree of the same structure."""
    return jax.tree.map(lambda leaf, like: in_corner(np.asarray(leaf), like.shape), params, shapes)
