"""Data and networks of every scale of the study double-descent."""

from __future__ import annotations

from typing import NamedTuple

from memjax.tasks import MNIST1D, Images

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
    decayed
        Widths of the sweep over weight decay.
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
    decayed: tuple[int, ...] = (1, 3, 6, 10, 16, 32, 64, 512)
    decays: tuple[float, ...] = (3.0,)
    batch_size: int = 50
    rate: float = 0.003

    @property
    def task(self) -> Images | MNIST1D:
        """The data, with true labels."""
        return (
            MNIST1D(noise_law="incorrect") if self.dataset == "mnist1d" else Images(self.dataset, noise_law="incorrect")
        )


_QUICK = Size(
    dataset="digits",
    train_size=500,
    test_size=797,
    rows=300,
    widths=(1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512),
    small=(8, 16, 32),
    train_sizes=(50, 100, 150, 200, 300, 400, 500, 600, 800, 1000),
    steps=3000,
)
_LONG = _QUICK._replace(steps=20_000, decays=(1.0, 3.0, 10.0), repeats=3, small=(4, 8, 16, 32), decayed=_QUICK.widths)
_SIGNALS = _LONG._replace(
    dataset="mnist1d",
    train_size=1000,
    test_size=1000,
    decays=(3.0,),
    train_sizes=(100, 200, 300, 500, 700, 1000, 1500, 2000, 4000),
)
_FASHION = _QUICK._replace(
    dataset="fashion-mnist",
    train_size=4000,
    test_size=10_000,
    rows=1000,
    train_sizes=(250, 500, 1000, 2000, 4000, 8000, 16_000),
    batch_size=100,
    steps=40_000,
)
SIZES = {
    "quick": _QUICK,
    "long": _LONG,
    "mnist1d": _SIGNALS,
    "fashion-mnist": _FASHION,
    "mnist": _FASHION._replace(dataset="mnist"),
}
"""Scales by name."""
