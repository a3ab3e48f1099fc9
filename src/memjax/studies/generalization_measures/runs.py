"""Sweeps of the study generalization-measures: a grid of hyperparameters, trained to one cross-entropy, on two data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memjax import measures
from memjax.experiment import Experiment
from memjax.experiment.record_times import spaced
from memjax.models import MLP
from memjax.optimizers import sgd
from memjax.stopping import AtMost
from memjax.studies.kit import Sweep
from memjax.tasks import MNIST1D, Images

__all__ = ["FITTED", "SIZES", "Data", "Size", "sweeps"]

FITTED = 0.01
"""Train cross-entropy at which a run stops, in nats."""
# Cross-entropy at the stop differs between runs by what one gap between records lets it fall.
_PER_DECADE = 60
_MOMENTUM = 0.9


@dataclass(frozen=True)
class Data:
    """A data set, and the numbers of its train examples and of all its test examples."""

    task: Any
    train_size: int
    test_size: int


@dataclass(frozen=True)
class Size:
    """One scale.

    Attributes
    ----------
    data
        Data sets by the names of their sweeps.
    axes
        Values of every hyperparameter by the name of its field, beside widths and depths.
    """

    data: Mapping[str, Data]
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    axes: Mapping[str | tuple[str, ...], Sequence[Any]]
    steps: int
    batch_size: int = 20

    @property
    def hidden(self) -> list[tuple[int, ...]]:
        """Every width at every depth."""
        return [(width,) * depth for depth in self.depths for width in self.widths]


_DIGITS = Data(Images("digits", label_noise=0.2, scale="standard"), train_size=200, test_size=1596)
_SIGNALS = Data(MNIST1D(num_test=10_000), train_size=200, test_size=10_000)
_QUICK = Size(
    data={"digits": _DIGITS, "signals": _SIGNALS},
    widths=(32, 96),
    depths=(1, 2),
    axes={"learning_rate": (0.02, 0.05), "l2": (0.0, 3e-4), "dropout": (0.0, 0.2)},
    steps=5000,
)
_LONG = Size(
    data=_QUICK.data,
    widths=(32, 96, 288),
    depths=(1, 2, 3),
    axes={
        "batch_size": (15, 60),
        "learning_rate": (0.02, 0.03, 0.05),
        "l2": (0.0, 1e-4, 3e-4),
        "dropout": (0.0, 0.1, 0.2),
    },
    steps=20_000,
)
_IMAGES = {
    name: Data(Images(name, label_noise=0.2, scale="standard"), train_size=2000, test_size=10_000)
    for name in ("fashion-mnist", "mnist")
}
SIZES = {
    "quick": _QUICK,
    "long": _LONG,
    "images": Size(_IMAGES, _LONG.widths, _LONG.depths, _LONG.axes, steps=40_000, batch_size=60),
}
"""Scales by their names."""


def sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """The grid on every data set; all seeds share the train set, and a seed is a start and an order of batches."""
    size = SIZES[scale]
    axes: dict[str | tuple[str, ...], Any] = {"hidden": size.hidden, **size.axes, "seed": range(seeds)}
    return {name: Sweep(_experiment(size, data), axes) for name, data in size.data.items()}


def _experiment(size: Size, data: Data) -> Experiment:
    fitted: Any = AtMost("loss", FITTED)
    return Experiment(
        task=data.task,
        train_size=data.train_size,
        test_size=data.test_size,
        data_seed=0,
        model=MLP(hidden=size.hidden[0]),
        optimizer=sgd(0.01, momentum=_MOMENTUM),
        batch_size=size.batch_size,
        steps=size.steps,
        record_at=spaced(1, size.steps, per_decade=_PER_DECADE),
        # The only split, so that the condition watches the loss of the train examples.
        measures=(measures.loss.on("train"),),
        stop_when=fitted,
        snapshots=(size.steps,),
    )
