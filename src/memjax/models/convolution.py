"""Convolution, pooling and enlarging of maps ``[C, *space, B]``, in one and in two dimensions, by products of dense layers.

A convolution of runs in a `vmap` is a grouped convolution to XLA, whose gradient is slow on a CPU. Here the shifted views of
a map are joined to one matrix, and the convolution is one product of `memjax.models.layers`. Examples are the last axis, as
there, so that a shifted view is copied in long pieces.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp

from memjax.jax_settings import float_dtype
from memjax.models.layers import dense
from memjax.types import Array

__all__ = ["WINDOW", "as_maps", "convolve", "enlarge", "map_struct", "pool"]

WINDOW = 2
"""Width and step of a pooling window."""


def as_maps(x: Array, dims: int) -> Array:
    """Inputs ``x[B, *space]`` or ``x[B, *space, C]`` as floating-point maps ``[C, *space, B]``.

    Examples
    --------
    >>> as_maps(jnp.zeros((4, 8, 8)), dims=2).shape, as_maps(jnp.zeros((4, 8, 8)), dims=1).shape
    ((1, 8, 8, 4), (8, 8, 4))
    """
    # Convert a NumPy array first, so that JAX does not warn about its 64-bit dtype.
    x = jnp.asarray(x)
    x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float_dtype())
    x = x[..., None] if x.ndim == dims + 1 else x
    return x.transpose(dims + 1, *range(1, dims + 1), 0)


def map_struct(x: Any, dims: int) -> jax.ShapeDtypeStruct:
    """Shape struct of `as_maps`, from the shape and dtype of ``x`` alone.

    Examples
    --------
    >>> map_struct(jnp.zeros((4, 8, 8)), dims=2).shape
    (1, 8, 8, 4)
    """
    dtype = jax.dtypes.canonicalize_dtype(x.dtype)
    kept = dtype if jnp.issubdtype(dtype, jnp.floating) else float_dtype()
    batch, *space = x.shape
    channels = space.pop() if len(space) > dims else 1
    return jax.ShapeDtypeStruct((channels, *space, batch), kept)


def convolve(kernel: Array, maps: Array, stride: tuple[int, ...]) -> Array:
    """Convolve maps with an odd kernel, among zeros, so that stride 1 keeps their shape.

    Parameters
    ----------
    kernel
        ``[*window, I, O]`` with odd windows, as in Flax.
    maps
        ``[I, *space, B]``.
    stride
        Distance of the positions that are computed, per axis; the first position is the first of the map.

    Returns
    -------
    Array
        ``[O, *space / stride, B]``, rounded up.

    Examples
    --------
    >>> convolve(jnp.ones((3, 1, 1)), jnp.arange(4.0).reshape(1, 4, 1), (1,)).ravel().tolist()
    [1.0, 3.0, 6.0, 5.0]
    """
    *window, _, channels = kernel.shape
    shape = [-(-size // step) for size, step in zip(maps.shape[1:-1], stride, strict=True)]
    padded = jnp.pad(maps, [(0, 0), *((width // 2, width // 2) for width in window), (0, 0)])
    views = [_view(padded, offset, shape, stride) for offset in itertools.product(*map(range, window))]
    # The order of the rows is that of the kernel: the window first, then the channels.
    columns = jnp.concatenate([view.reshape(len(view), -1) for view in views])
    return dense(kernel.reshape(-1, channels), columns).reshape(channels, *shape, maps.shape[-1])


def pool(kind: str, maps: Array) -> Array:
    """Maximum or mean over windows of two per axis of space; a last odd position is left out.

    Parameters
    ----------
    kind
        ``max``, ``mean``, or ``none``, which gives the maps unchanged.
    maps
        ``[C, *space, B]``.

    Returns
    -------
    Array
        ``[C, *space / 2, B]``, rounded down. Where several positions of a window share the maximum, they share its gradient.

    Examples
    --------
    >>> pool("mean", jnp.arange(5.0).reshape(1, 5, 1)).ravel().tolist()
    [0.5, 2.5]
    """
    if kind == "none":
        return maps
    space = maps.shape[1:-1]
    shape, step = [size // WINDOW for size in space], (WINDOW,) * len(space)
    views = [_view(maps, offset, shape, step) for offset in itertools.product(range(WINDOW), repeat=len(space))]
    if kind == "max":
        return functools.reduce(jnp.maximum, views)
    return functools.reduce(jnp.add, views) / math.prod(step)


def enlarge(maps: Array, factor: tuple[int, ...], space: tuple[int, ...]) -> Array:
    """Repeat every value of maps along each axis of space: position p of the result takes the value at p // factor.

    A result that would be too long is cropped at its end. Where the result would be too short, because pooling left out odd
    positions, the last value is repeated further.

    Parameters
    ----------
    maps
        ``[C, *smaller, B]``.
    factor
        How often a value is repeated, per axis of space.
    space
        Number of positions of the result, per axis of space.

    Returns
    -------
    Array
        ``[C, *space, B]``.

    Examples
    --------
    >>> enlarge(jnp.arange(3.0).reshape(1, 3, 1), (2,), (5,)).ravel().tolist()
    [0.0, 0.0, 1.0, 1.0, 2.0]
    >>> enlarge(jnp.arange(2.0).reshape(1, 2, 1), (2,), (5,)).ravel().tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0]
    """
    for axis, (times, size) in enumerate(zip(factor, space, strict=True), start=1):
        maps = _repeated(maps, axis, times, size)
    return maps


def _repeated(maps: Array, axis: int, times: int, size: int) -> Array:
    """One axis of maps, made ``size`` positions long by repeating every value."""
    before, count, after = maps.shape[:axis], maps.shape[axis], maps.shape[axis + 1 :]
    if count == size:
        return maps
    # A value is never seen more often than the result is long, however many layers there are.
    times = min(times, size)
    # Copies by broadcasting have sums as gradients; those of a gather would be scattered, which is slow in a `vmap`.
    copies = jnp.broadcast_to(jnp.expand_dims(maps, axis + 1), (*before, count, times, *after))
    found = jax.lax.slice_in_dim(copies.reshape(*before, count * times, *after), 0, min(size, count * times), axis=axis)
    missing = [(0, size - found.shape[axis] if i == axis else 0) for i in range(maps.ndim)]
    return jnp.pad(found, missing, mode="edge")


def _view(maps: Array, offset: tuple[int, ...], shape: list[int], step: tuple[int, ...]) -> Array:
    """The positions ``offset + k * step`` of maps, ``shape`` of them."""
    ends = [start + (size - 1) * by + 1 for start, size, by in zip(offset, shape, step, strict=True)]
    channels, *_, batch = maps.shape
    return jax.lax.slice(maps, (0, *offset, 0), (channels, *ends, batch), (1, *step, 1))
