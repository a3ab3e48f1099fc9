"""Data and networks of every scale of the study double-descent."""

from __future__ import annotations

from typing import NamedTuple

from memjax.tasks import Images

__all__ = ["NOISE", "SIZES", "Size"]

NOISE = (0.0, 0.2)
"""Shares of wrong train labels."""


class Size(NamedTuple):
    """One scale.

    Attributes
    ----------
    rows
        Train size of the random features.
    small
        Widths of the sweep over train sizes.
    reused
        Widths of networks that start from the network before them.
    repeats
        Seeds of the sweep over train sizes for every seed of the others.
    """

    dataset: str
    train_size: int
    test_size: int
    rows: int
    widths: tuple[int, ...]
    small: tuple[int, ...]
    train_sizes: tuple[int, ...]
    steps: int
    reused: tuple[int, ...] = (2, 4, 8, 16, 32, 64, 128, 256)
    repeats: int = 1
    decays: tuple[float, ...] = (3.0,)
    batch_size: int = 50
    rate: float = 0.003

    @property
    def task(self) -> Images:
        """The images, with true labels."""
        return Images(self.dataset, noise_law="incorrect")


_QUICK = Size(
    dataset="digits",
    train_size=500,
    test_size=797,
    rows=300,
    widths=(1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 64, 128, 256, 512),
    small=(4, 8, 16, 32),
    train_sizes=(50, 100, 150, 200, 300, 400, 500, 600, 800, 1000),
    steps=3000,
)
_LONG = _QUICK._replace(steps=20_000, decays=(1.0, 3.0, 10.0), repeats=3)
_FASHION = _QUICK._replace(
    dataset="fashion-mnist",
    train_size=4000,
    test_size=10_000,
    rows=1000,
    train_sizes=(250, 500, 1000, 2000, 4000, 8000, 16_000),
    batch_size=100,
    steps=40_000,
)
SIZES = {"quick": _QUICK, "long": _LONG, "fashion-mnist": _FASHION, "mnist": _FASHION._replace(dataset="mnist")}
"""Scales by name."""
