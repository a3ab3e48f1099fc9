"""Inputs that the networks of the study identity-crisis are shown, and how alike two images are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from memjax.random import generator
from memjax.studies.identity_crisis.parts import pictures

__all__ = ["correlation", "probes", "shown"]

Rows = npt.NDArray[np.float32]

_NOISE, _CLOTHES = 10, 20


def correlation(first: Any, second: Any) -> npt.NDArray[np.float64]:
    """Pearson's correlation over pixels, ``float64[N]``, of rows ``[N, P]``; NaN where an image is the same everywhere.

    Examples
    --------
    >>> correlation([[0, 1, 2], [0, 1, 2], [5, 5, 5]], [[1, 3, 5], [2, 1, 0], [0, 1, 2]]).round(6).tolist()
    [1.0, -1.0, nan]
    """
    one, other = (_centred(rows) for rows in (first, second))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(1) / np.where(lengths > 0, lengths, np.nan))


def _centred(rows: Any) -> npt.NDArray[np.float64]:
    values = np.asarray(rows, np.float64)
    # The mean of equal numbers may be off by rounding, and an image without contrast is to stay so.
    flat = np.ptp(values, axis=1, keepdims=True) == 0
    return np.where(flat, 0.0, values - values.mean(1, keepdims=True))


def probes(unseen: Rows, other: str = "", shrink: int = 1, border: int = 0) -> dict[str, Rows]:
    """Inputs ``[M, H, W]`` by the name of their group, from test images ``unseen[N, H, W]`` and a further data set."""
    shape = unseen.shape[1:]
    found = {
        "unseen digits": unseen,
        "mixtures": (unseen[0::2][: len(unseen) // 2] + unseen[1::2]) / 2,
        "noise": generator(0, "probes").random((_NOISE, *shape), np.float32),
        "stripes": _stripes(shape),
        "single pixels": _pixels(shape),
        "flat": np.ones((1, *shape), np.float32),
    }
    if other:
        found["images of another set"] = pictures(other, shrink, border)[0][:_CLOTHES]
    return {name: np.asarray(x, np.float32) for name, x in found.items()}


def _stripes(shape: tuple[int, ...]) -> Rows:
    """Stripes along either axis, one and two pixels wide."""
    row, column = np.indices(shape)
    return np.stack([(axis // width) % 2 for axis in (row, column) for width in (1, 2)]).astype(np.float32)


def _pixels(shape: tuple[int, ...]) -> Rows:
    """One white pixel: in the middle, and in the middle of each quarter."""
    height, width = shape
    found = np.zeros((5, height, width), np.float32)
    places = [(2, 2), (1, 1), (1, 3), (3, 1), (3, 3)]
    for image, (down, right) in zip(found, places, strict=True):
        image[height * down // 4, width * right // 4] = 1
    return found


def shown(train: Rows, unseen: Rows) -> dict[str, Rows]:
    """One input of each kind ``[H, W]`` for the grid of pictures, by its title."""
    groups = probes(unseen)
    return {
        "train image": train[0],
        "digit": unseen[0],
        "digit ": unseen[1],
        "mixture": groups["mixtures"][1],
        "noise": groups["noise"][0],
        "stripes": groups["stripes"][1],
        "pixel": groups["single pixels"][0],
        "flat": groups["flat"][0],
    }
