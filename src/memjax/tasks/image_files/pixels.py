"""Transform the pixels of a pool: convert to floats, corrupt (Zhang et al. 2017), and scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from memjax.errors import InputError
from memjax.random import generator

__all__ = ["PIXELS", "SCALES", "floats"]

_ROWS_AT_ONCE = 4096


def floats(x: np.ndarray, source: str) -> np.ndarray:
    """Pixels as ``float32[N, ...]``: unsigned integers divided by the largest of their dtype, floats unchanged.

    Raises
    ------
    InputError
        If integers are signed, so that there is no full scale, or values are not finite.

    Examples
    --------
    >>> floats(np.array([0, 127, 128, 255], np.uint8), "four pixels").round(3).tolist()
    [0.0, 0.49799999594688416, 0.5019999742507935, 1.0]
    """
    if x.dtype.kind in "ub":
        return np.divide(x, 1 if x.dtype == bool else np.iinfo(x.dtype).max, dtype=np.float32)
    if x.dtype.kind != "f":
        raise InputError(
            f"{source} has images of {x.dtype}, which does not say what white is: save them as uint8 (0 to 255) or as floats."
        )
    with np.errstate(over="ignore"):
        x = x.astype(np.float32)
    if not np.isfinite(x).all():
        raise InputError(f"{source} has values that are not finite as float32: remove or replace them.")
    return x


def _positions(x: np.ndarray) -> np.ndarray:
    """View ``[N, pixels, colours]`` of images ``[N, height, width, colours]``, of images without colours, or of flat images."""
    colours = x.shape[3] if x.ndim == 4 else 1
    return x.reshape(len(x), -1, colours)


def _shuffled(x: np.ndarray, num_train: int, seed: int) -> np.ndarray:
    pixels = _positions(x)
    return pixels[:, generator(seed, "pixels").permutation(pixels.shape[1])].reshape(x.shape)


def _random(x: np.ndarray, num_train: int, seed: int) -> np.ndarray:
    pixels = _positions(x)
    shuffled = np.empty_like(pixels)
    # One random stream per split, so that an image does not depend on the number of images in the other split.
    for split, start, stop in (("train", 0, num_train), ("test", num_train, len(x))):
        rng = generator(seed, f"{split} pixels")
        for first in range(start, stop, _ROWS_AT_ONCE):
            rows = slice(first, min(first + _ROWS_AT_ONCE, stop))
            order = np.broadcast_to(np.arange(pixels.shape[1]), (rows.stop - first, pixels.shape[1]))
            shuffled[rows] = np.take_along_axis(pixels[rows], rng.permuted(order, axis=1)[..., None], axis=1)
    return shuffled.reshape(x.shape)


def _gaussian(x: np.ndarray, num_train: int, seed: int) -> np.ndarray:
    mean, deviation = _moments(x[:num_train])
    parts = (("train", num_train), ("test", len(x) - num_train))
    normal = [
        generator(seed, f"{split} pixels").standard_normal((size, *x.shape[1:]), np.float32) for split, size in parts
    ]
    return np.float32(mean) + np.float32(deviation) * np.concatenate(normal)


PIXELS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "true": lambda x, num_train, seed: x,
    "shuffled": _shuffled,
    "random": _random,
    "gaussian": _gaussian,
}
"""Corruptions by name: ``(pool[N, ...], number of training rows, seed) -> pool``; training rows come first."""


def _moments(x: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of all pixels."""
    return float(x.mean(dtype=np.float64)), float(x.std(dtype=np.float64))


def _standard(x: np.ndarray, num_train: int) -> np.ndarray:
    mean, deviation = _moments(x[:num_train])
    if deviation == 0:
        raise InputError("Images.scale is 'standard', but all pixels to train on are the same: use 'unit'.")
    return (x - np.float32(mean)) / np.float32(deviation)


def _l2(x: np.ndarray, num_train: int) -> np.ndarray:
    flat = x.reshape(len(x), -1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, norms, out=np.zeros_like(flat), where=norms > 0).reshape(x.shape)


SCALES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "unit": lambda x, num_train: x,
    "standard": _standard,
    "l2": _l2,
}
"""Scales by name: ``(pool[N, ...], number of training rows) -> pool``; training rows come first."""
