"""Maximal data dimensionality on images: which points a network gives a direction of their own, and what training adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adamw
from memjax.studies.data_dimensionality.claims import MEASURED, analyse
from memjax.studies.data_dimensionality.numbers import of_networks, of_networks_and_pixels
from memjax.studies.kit import Measured, Study, Sweep
from memjax.tasks import Images

__all__ = ["STUDY"]


class _Scale(NamedTuple):
    """Sizes of one scale: the post's are 5,000 examples, batches of 500, and 50,000 examples."""

    dataset: str
    train_size: int
    test_size: int
    hidden: int
    widths: tuple[int, ...]
    sizes: tuple[int, ...]


_MNIST = _Scale("mnist", 5000, 2000, 512, (64, 128, 256, 512, 1024), (500, 1500, 5000, 15_000, 50_000))
_SCALES = {
    "quick": _Scale("digits", 1200, 597, 128, (16, 32, 64, 128, 256, 512), (100, 300, 600, 1200)),
    "fashion-mnist": _MNIST._replace(dataset="fashion-mnist"),
    "mnist": _MNIST,
}
_BATCHES = 10
_EPOCHS = (1, 2, 3, 8, 18, 40)
_DECAYS = (0.0, 0.01, 0.1, 1.0, 10.0)
_SIZE = "5,000 examples, 512 neurons, batches of 500, and up to 50,000 examples; about a quarter of an hour on 2 cores"
# Comparisons that are not between seeds need fewer of them.
_FEW = 2


def _sweeps(scale: _Scale, seeds: int) -> Mapping[str, Sweep]:
    """Every run of a sweep has the same points, in the same order: the seed is of the initial parameters."""
    few, many = tuple(range(min(seeds, _FEW))), tuple(range(seeds))
    batch, end = scale.train_size // _BATCHES, _EPOCHS[-1] * _BATCHES
    base = Experiment(
        task=Images(scale.dataset, scale="unit"),
        model=MLP(hidden=(scale.hidden,), activation="relu", initializer="torch"),
        optimizer=adamw(1e-3, weight_decay=0.01),
        loss="cross_entropy",
        steps=end,
        record_every=_BATCHES,
        batch_size=batch,
        train_size=scale.train_size,
        test_size=scale.test_size,
        data_seed=0,
        measures=("loss", "accuracy"),
        snapshots=(0, end),
    )
    stages = replace(base, snapshots=tuple(_BATCHES * epoch for epoch in (0, *_EPOCHS)))
    first = replace(base, steps=_BATCHES, record_every=1, snapshots=tuple(range(_BATCHES + 1)))
    # As many passes over the data at every size, by batches of the same size.
    lengths = {size: _EPOCHS[-1] * -(-size // batch) for size in scale.sizes}
    by_size = [(size, min(size, batch), steps, steps, (0, steps)) for size, steps in lengths.items()]
    together = ("train_size", "batch_size", "steps", "record_every", "snapshots")
    return {
        "stages": Sweep(stages, {"seed": many}),
        "batches": Sweep(first, {"seed": few}),
        "widths": Sweep(base, {"hidden": scale.widths, "seed": few}),
        "sizes": Sweep(base, {together: by_size, "seed": few}),
        "decays": Sweep(base, {"weight_decay": _DECAYS, "seed": few}),
        "inputs": Sweep(base, {"scale": ("unit", "l2"), "seed": few}),
    }


def _measured(scale: str) -> Mapping[str, Measured]:
    """D* of every network; a seed at a time where that takes minutes."""
    by = None if scale == "quick" else "seed"
    computed = dict.fromkeys(_sweeps(_SCALES[scale], 1), of_networks) | {"stages": of_networks_and_pixels}
    return {f"{name}{MEASURED}": Measured(name, compute, by) for name, compute in computed.items()}


STUDY = Study(
    name="data-dimensionality",
    title="Which points does a network give a direction of their own?",
    question="Which images get a direction of their own among the hidden activations, and is that a matter of training, of the "
    "seed, or of the images themselves?",
    source='Marius Hobbhahn, "More findings on maximal data dimension" (Alignment Forum, 2023), after a comment of Chris Olah',
    papers={
        "Hobbhahn 2023, Alignment Forum": "https://www.alignmentforum.org/posts/WfdxXhszxFc3BxZ8r/"
        "more-findings-on-maximal-data-dimension",
    },
    scales={
        "quick": "scikit-learn's 8 x 8 digits: 1200 examples, 128 neurons, batches of 120; about a minute on 2 cores",
        "fashion-mnist": f"Fashion-MNIST: {_SIZE}",
        "mnist": f"MNIST, as in Hobbhahn's post: {_SIZE}",
    },
    seeds={"quick": 4, "fashion-mnist": 4, "mnist": 4},
    sweeps=lambda scale, seeds: _sweeps(_SCALES[scale], seeds),
    analyse=analyse,
    measured=_measured,
)
"""D* by leverage scores, exactly, where the post maximises by gradients: its findings, and what was there before training."""
