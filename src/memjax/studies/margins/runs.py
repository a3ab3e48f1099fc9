"""Sweeps of the study margins: populations of networks whose gap is predicted, and networks trained for large margins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from memjax.experiment import Experiment
from memjax.losses import LargeMargin
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies.kit import Sweep
from memjax.tasks import MNIST1D, Images

__all__ = ["DATA", "KNOBS", "LOSSES", "SIZES", "TUNING", "Size", "sweeps"]

DATA = ("images", "signals")
"""Names of the two populations: images of the scale, and the signals of MNIST-1D."""
KNOBS = ("hidden", "dropout", "l2", "train_size", "label_noise")
"""What the networks of a population differ in."""
LOSSES = ("cross_entropy", "large_margin")
"""Names of the sweeps that compare two losses."""
TUNING = 3
"""Seeds behind those that are reported, on which the settings of each loss are chosen."""


class Size(NamedTuple):
    """One scale.

    Attributes
    ----------
    widths, dropouts, decays, train_sizes, noises
        Knobs of the populations: units of both hidden layers, rate of dropout, coupled weight decay, number of train examples,
        and probability of a random label.
    width, most
        Units of both hidden layers, and largest number of train examples, of the networks whose losses are compared.
    levels, small
        Probabilities of a random label among ``most`` examples, and smaller train sizes with true labels, at which they are
        compared.
    gammas, rates, loss_decays
        Settings from which one is chosen: distances that large-margin training asks for, learning rates of both losses, and
        weight decays of the cross-entropy.
    """

    dataset: str
    test_size: int = 797
    batch_size: int = 50
    steps: int = 600
    rate: float = 0.005
    widths: tuple[int, ...] = (24, 40, 64)
    dropouts: tuple[float, ...] = (0.0, 0.1, 0.2)
    decays: tuple[float, ...] = (0.0, 1e-3)
    train_sizes: tuple[int, ...] = (50, 100, 200)
    noises: tuple[float, ...] = (0.0, 0.2)
    width: int = 32
    most: int = 400
    levels: tuple[float, ...] = (0.2, 0.4, 0.6)
    small: tuple[int, ...] = (50, 100, 200)
    gammas: tuple[float, ...] = (0.3, 1.0, 3.0)
    rates: tuple[float, ...] = (0.002, 0.01)
    loss_decays: tuple[float, ...] = (0.0, 1e-3, 1e-2)

    @property
    def conditions(self) -> list[tuple[float, int]]:
        """Label noise and train size of every comparison of two losses, the plain one first."""
        noisy = [(level, self.most) for level in (0.0, *self.levels)]
        return noisy + [(0.0, few) for few in self.small]


_IMAGES = Size(
    dataset="mnist",
    test_size=1000,
    batch_size=100,
    steps=3000,
    rate=0.002,
    widths=(64, 128, 256),
    train_sizes=(250, 500, 1000),
    width=128,
    most=4000,
    small=(100, 250, 1000),
    rates=(0.001, 0.003),
)
SIZES = {"quick": Size(dataset="digits"), "mnist": _IMAGES, "fashion-mnist": _IMAGES._replace(dataset="fashion-mnist")}
"""Scales by their names."""


def sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """All sweeps by name."""
    size = SIZES[scale]
    images = Images(size.dataset)
    tasks: dict[str, Any] = {"images": images, "signals": MNIST1D()}
    knobs: dict[str | tuple[str, ...], Any] = {
        "hidden": [(width, width) for width in size.widths],
        "dropout": size.dropouts,
        "l2": size.decays,
        "train_size": size.train_sizes,
        "label_noise": size.noises,
        "seed": range(seeds),
    }
    linear = replace(_base(size, images), model=MLP(hidden=()), train_size=size.train_sizes[0])
    return {
        **{name: Sweep(_base(size, task), knobs) for name, task in tasks.items()},
        "linear": Sweep(linear, {"seed": range(seeds)}),
        **_losses(size, images, seeds),
    }


def _losses(size: Size, task: Images, seeds: int) -> dict[str, Sweep]:
    """Both losses under all conditions, with further seeds to choose settings on.

    The large margin has as many settings as the cross-entropy with weight decay; the plain cross-entropy has its rates alone.
    """
    base = _base(size, task)
    shared: dict[str | tuple[str, ...], Any] = {
        "learning_rate": size.rates,
        ("label_noise", "train_size"): size.conditions,
        "seed": range(seeds + TUNING),
    }
    return {
        "cross_entropy": Sweep(base, {"l2": size.loss_decays, **shared}),
        "large_margin": Sweep(replace(base, loss=LargeMargin(gamma=1.0)), {"gamma": size.gammas, **shared}),
    }


def _base(size: Size, task: Any) -> Experiment:
    return Experiment(
        task=task,
        train_size=size.most,
        test_size=size.test_size,
        model=MLP(hidden=(size.width, size.width)),
        optimizer=adam(size.rate, l2=0.0),
        batch_size=size.batch_size,
        steps=size.steps,
        record_every=size.steps,
        measures=("accuracy",),
        snapshots=(size.steps,),
    )
