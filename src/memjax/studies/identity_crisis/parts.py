"""Tasks of the study identity-crisis: one image, and a few points, that are their own targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from memjax.random import generator
from memjax.tasks import Images
from memjax.types import Data, Split

__all__ = ["OneImage", "Points", "pictures"]


@dataclass(frozen=True)
class OneImage:
    """Images of one class to train on and of all other classes to test, each its own target.

    Attributes
    ----------
    dataset
        Name of the data set, as in `memjax.tasks.Images`.
    label
        Class of the train image; the data seed draws which image.
    shrink
        Width of the square of pixels whose mean becomes one pixel.
    border
        Black pixels that are put on every side.

    Examples
    --------
    >>> train, test = OneImage().draw(seed=0, train_size=1, test_size=30)
    >>> train.x.shape, train.y.shape, bool((test.x.reshape(30, 144) == test.y).all())
    ((1, 12, 12), (1, 144), True)
    """

    dataset: str = "digits"
    label: int = 7
    shrink: int = 1
    border: int = 2

    @property
    def num_outputs(self) -> int:
        """One output per pixel."""
        return int(pictures(self.dataset, self.shrink, self.border)[0][0].size)

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw images ``float32[N, H, W]`` and flat targets ``float32[N, H W]``; nested in either size."""
        images, labels = pictures(self.dataset, self.shrink, self.border)
        own, others = images[labels == self.label], images[labels != self.label]
        train = own[generator(seed, "train image").permutation(len(own))[:train_size]]
        test = others[generator(seed, "test images").permutation(len(others))[:test_size]]
        return Split(*(Data(x, x.reshape(len(x), images[0].size)) for x in (train, test)))


@lru_cache(maxsize=4)
def pictures(dataset: str, shrink: int, border: int) -> tuple[np.ndarray, np.ndarray]:
    """All images of a data set, made smaller and with a border, ``float32[N, H, W]`` in 0..1, and their labels ``int[N]``.

    Examples
    --------
    >>> images, labels = pictures("digits", shrink=2, border=1)
    >>> images.shape, float(images[:, 0].max())
    ((1797, 6, 6), 0.0)
    """
    task = Images(dataset)
    rows = task.draw(0, task.num_examples, 0).train
    images = task.pool[rows.x]
    number, height, width = images.shape
    blocks = images.reshape(number, height // shrink, shrink, width // shrink, shrink)
    small = np.pad(blocks.mean((2, 4)), ((0, 0), (border, border), (border, border)))
    return small.astype(np.float32), np.asarray(rows.y)


@dataclass(frozen=True)
class Points:
    """Points that are uniform in the cube [-1, 1]^D, each its own target.

    Examples
    --------
    >>> x, y = Points(dims=3).draw(seed=0, train_size=5, test_size=1).train
    >>> x.shape, bool((x == y).all()), bool((abs(x) <= 1).all())
    ((5, 3), True, True)
    """

    dims: int = 2

    @property
    def num_outputs(self) -> int:
        """One output per dimension."""
        return self.dims

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw points ``float32[N, D]`` and equal targets; nested in either size."""
        sizes = {"train": train_size, "test": test_size}
        drawn = {
            name: generator(seed, f"{name} points").uniform(-1, 1, (size, self.dims)) for name, size in sizes.items()
        }
        return Split(*(Data(x.astype(np.float32), x.astype(np.float32)) for x in drawn.values()))
