"""Sweeps of the study random-labels: levels of label noise, laws of inputs and labels, widths, and regularisers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from memjax import measures
from memjax.experiment import Experiment
from memjax.experiment.record_times import spaced
from memjax.models import MLP
from memjax.optimizers import sgd
from memjax.stopping import AtLeast
from memjax.studies.kit import Sweep
from memjax.tasks import Images

__all__ = ["CROSSED", "FITTED", "LAWS", "LEVELS", "NETWORKS", "NOISE", "SIZES", "Size", "sweeps"]

FITTED = 0.997
"""Train accuracy at which a run has fitted its labels, and stops."""
LEVELS = tuple(round(0.1 * i, 1) for i in range(11))
"""Probabilities that a train label is replaced by a label of any class."""
NETWORKS = ("shallow", "deep")
"""Names of the networks whose levels are swept."""
LAWS = {
    "true labels": ("true", 0.0),
    "random labels": ("true", 1.0),
    "shuffled pixels": ("shuffled", 0.0),
    "random pixels": ("random", 0.0),
    "Gaussian inputs": ("gaussian", 0.0),
}
"""Law of the pixels and level of label noise, by name."""
NOISE = ("true labels", "random labels", "Gaussian inputs")
"""Laws that are compared by width, by number of examples, and after one epoch."""
CROSSED = ("true labels", "shuffled pixels", "random pixels", "Gaussian inputs")
"""Laws of the pixels that are crossed with levels of label noise, widths and depths."""
_CROSSED_LEVELS, _CROSSED_UNITS, _CROSSED_STEPS, _CROSSED_SEEDS = (0.0, 0.5, 1.0), (8, 32), 1500, 3
_BRAKED_LEVEL = 0.4
_PER_DECADE, _CROSSED_PER_DECADE = 40, 20


class Size(NamedTuple):
    """One scale.

    Attributes
    ----------
    radii
        Half the sides of the boxes of the critical sample ratio, in standard deviations of a pixel.
    snapshots
        Steps at which this ratio is taken; the last step joins them.
    sizes
        Numbers of train examples whose times to fit are compared, multiples of the size of a minibatch.
    networks
        Networks on one data set that train for one epoch.
    """

    dataset: str
    train_size: int
    test_size: int
    batch_size: int
    steps: int
    shallow: MLP
    deep: MLP
    widths: tuple[int, ...]
    sizes: tuple[int, ...]
    braked_steps: int
    record_every: int = 10
    rate: float = 0.05
    radii: tuple[float, ...] = (0.1, 0.3)
    snapshots: tuple[int, ...] = (10, 50, 200)
    dropouts: tuple[float, ...] = (0.0, 0.25, 0.5)
    decays: tuple[float, ...] = (0.0, 0.001, 0.01)
    networks: int = 100


_QUICK = Size(
    dataset="digits",
    train_size=600,
    test_size=797,
    batch_size=60,
    steps=3000,
    shallow=MLP(hidden=(128,)),
    deep=MLP(hidden=(128, 128, 128)),
    widths=(4, 8, 16, 32, 64, 128),
    sizes=(120, 240, 480, 960),
    braked_steps=1000,
)
_PAPER = _QUICK._replace(
    train_size=1000,
    batch_size=100,
    steps=10_000,
    shallow=MLP(hidden=(512,)),
    deep=MLP(hidden=(512, 512, 512)),
    widths=(4, 8, 16, 32, 64, 128, 256, 512),
    sizes=(100, 200, 400, 800),
    braked_steps=3000,
)
SIZES = {
    "quick": _QUICK,
    "paper": _PAPER,
    "fashion-mnist": _PAPER._replace(
        dataset="fashion-mnist", train_size=2000, test_size=2000, sizes=(200, 500, 1000, 2000)
    ),
}
"""Scales by their names."""


def sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """All sweeps by name."""
    size, own = SIZES[scale], range(seeds)
    found = {name: Sweep(_levels(size, name), {"label_noise": LEVELS, "seed": own}) for name in NETWORKS}
    return found | {
        "laws": Sweep(_laws(size), _over(size, LAWS, own)),
        "widths": Sweep(_base(size), _over(size, NOISE, own, hidden=[(width,) for width in size.widths])),
        "sizes": Sweep(_base(size), _over(size, NOISE, own, train_size=size.sizes)),
        "epoch": Sweep(_one_epoch(size), _many(size, seeds)),
        "dropouts": Sweep(_braked(size), {"dropout": size.dropouts, "seed": own}),
        "decays": Sweep(_braked(size), {"l2": size.decays, "seed": own}),
        **{f"crossed_{name}": _crossed(size, name, seeds) for name in NETWORKS},
    }


def _task(size: Size, law: str) -> Images:
    pixels, level = LAWS[law]
    return Images(size.dataset, pixels=pixels, label_noise=level, noise_law="uniform", scale="standard")


def _over(size: Size, laws: Iterable[str], seeds: range, **more: Any) -> dict[str | tuple[str, ...], Any]:
    axes: dict[str | tuple[str, ...], Any] = {"task": {name: _task(size, name) for name in laws}}
    return axes | dict(more) | {"seed": seeds}


def _many(size: Size, seeds: int) -> dict[str | tuple[str, ...], Any]:
    """Networks that share the data set of a seed and have their own initial state and order of minibatches."""
    count = size.networks
    runs = [(seed, count * seed + own, count * seed + own) for seed in range(seeds) for own in range(count)]
    return {"task": {name: _task(size, name) for name in NOISE}, ("seed", "init_seed", "batch_seed"): runs}


def _base(size: Size) -> Experiment:
    fitted: Any = AtLeast("train_accuracy", FITTED)
    return Experiment(
        task=_task(size, "true labels"),
        train_size=size.train_size,
        test_size=size.test_size,
        model=size.shallow,
        optimizer=sgd(size.rate, momentum=0.9),
        batch_size=size.batch_size,
        steps=size.steps,
        record_at=spaced(1, size.steps, _PER_DECADE),
        measures=(measures.accuracy,),
        stop_when=fitted,
    )


def _levels(size: Size, network: str) -> Experiment:
    """Records of the train examples by whether their label is true, and the last network."""
    return replace(_base(size), model=_model(size, network), measures=_parts(), snapshots=(size.steps,))


def _crossed(size: Size, network: str, seeds: int) -> Sweep:
    """Every level with every law of the pixels and every width of a depth, on fewer examples and without a test set."""
    depth = len(_model(size, network).hidden)
    steps = min(size.steps, _CROSSED_STEPS)
    experiment = replace(
        _base(size),
        train_size=size.sizes[0],
        test_size=0,
        model=MLP(hidden=(_CROSSED_UNITS[-1],) * depth),
        steps=steps,
        record_at=spaced(1, steps, _CROSSED_PER_DECADE),
    )
    hidden = [(units,) * depth for units in _CROSSED_UNITS]
    own = range(min(seeds, _CROSSED_SEEDS))
    return Sweep(experiment, _over(size, CROSSED, own, label_noise=_CROSSED_LEVELS, hidden=hidden))


def _model(size: Size, network: str) -> MLP:
    return size.shallow if network == "shallow" else size.deep


def _parts() -> tuple[measures.Measure, ...]:
    return (measures.accuracy.on("train", "train_clean", "train_corrupted", "test"),)


def _laws(size: Size) -> Experiment:
    """Equal steps between records, over which the sensitivity of every train example is averaged."""
    return replace(
        _base(size),
        record_at=None,
        record_every=size.record_every,
        examples=(measures.by_example("loss_sensitivity", over="mean"),),
        snapshots=(*size.snapshots, size.steps),
    )


def _one_epoch(size: Size) -> Experiment:
    steps = size.train_size // size.batch_size
    return replace(_base(size), steps=steps, stop_when=None, record_at=None, record_every=steps, examples=("correct",))


def _braked(size: Size) -> Experiment:
    base = _base(size)
    return replace(
        base,
        task=replace(_task(size, "true labels"), label_noise=_BRAKED_LEVEL),
        optimizer=sgd(size.rate, momentum=0.9, l2=0.0),
        measures=_parts(),
        steps=size.braked_steps,
        record_at=spaced(1, size.braked_steps, _PER_DECADE),
    )
