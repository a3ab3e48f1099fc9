"""Data, networks and numbers of networks of every scale of the study memorization-bank."""

from __future__ import annotations

from typing import NamedTuple

from memjax.models import MLP
from memjax.optimizers import Optimizer, adamw, sgd
from memjax.tasks import Images

__all__ = ["NETWORKS", "SIZES", "Network", "Size"]

NETWORKS = ("mlp", "logistic")
"""The networks that have a bank, networks on all rows, and attributions."""


class Network(NamedTuple):
    """A network and its training, on halves and on all rows, and the inverse Hessian of its influence functions."""

    model: MLP
    optimizer: Optimizer
    steps: int
    whole_steps: int
    damping: float
    solver: str = "explicit"


class Size(NamedTuple):
    """One scale. ``decays`` is a field of the optimizer with the values that it is swept over."""

    dataset: str
    train_size: int
    test_size: int
    label_noise: float
    mlp: Network
    logistic: Network
    batch_size: int
    wide: MLP
    widths: tuple[tuple[int, ...], ...]
    decays: tuple[str, tuple[float, ...]]
    projected: int = 128
    left_out: int = 48
    more_tests: int = 1297

    @property
    def task(self) -> Images:
        """The images, with this scale's share of corrupted labels."""
        return Images(self.dataset, label_noise=self.label_noise, noise_law="incorrect")

    def network(self, name: str) -> Network:
        """One of `NETWORKS`."""
        return self.mlp if name == "mlp" else self.logistic


_DIGITS = adamw(0.01, weight_decay=0.0)
_DECAYS = ("weight_decay", (0.0, 0.03, 0.1, 0.3))
# Enough steps to fit the half of the rows that a network has, corrupted ones too.
_QUICK = Size(
    dataset="digits",
    train_size=500,
    test_size=200,
    label_noise=0.1,
    mlp=Network(MLP(hidden=(32,)), _DIGITS, steps=600, whole_steps=600, damping=0.1),
    logistic=Network(MLP(hidden=()), _DIGITS, steps=600, whole_steps=600, damping=1e-3),
    batch_size=50,
    wide=MLP(hidden=(128,)),
    widths=((8,), (16,), (32,), (128,)),
    decays=_DECAYS,
)
_PAPER = _QUICK._replace(
    train_size=1500,
    test_size=297,
    mlp=_QUICK.mlp._replace(steps=1800, whole_steps=1800),
    logistic=_QUICK.logistic._replace(steps=1800, whole_steps=1800),
    more_tests=297,
)
# The data, networks and training of dattri's benchmark: 50 epochs for the MLP and 20 for logistic regression.
_DROPOUT, _SLOW = 0.1, sgd(0.01, momentum=0.9, l2=0.0)
_DATTRI = Size(
    dataset="mnist",
    train_size=5000,
    test_size=500,
    label_noise=0.0,
    mlp=Network(MLP(hidden=(128, 64), dropout=_DROPOUT), _SLOW, steps=2000, whole_steps=3950, damping=0.1, solver="cg"),
    logistic=Network(MLP(hidden=()), sgd(0.01, l2=0.0), steps=800, whole_steps=1580, damping=1e-3, solver="cg"),
    batch_size=64,
    wide=MLP(hidden=(512, 256), dropout=_DROPOUT),
    widths=((16, 8), (32, 16), (128, 64), (512, 256)),
    decays=("l2", (0.0, 1e-4, 1e-3, 1e-2)),
    projected=512,
    more_tests=10_000,
)
SIZES = {
    "quick": _QUICK,
    "paper": _PAPER,
    "fashion-mnist": _DATTRI._replace(dataset="fashion-mnist"),
    "mnist": _DATTRI,
}
"""Scales by their names."""
