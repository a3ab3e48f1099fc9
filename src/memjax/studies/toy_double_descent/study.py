"""Toy double descent: points stored as polygons, then features, and a bump of the test loss between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from memjax.experiment import Experiment
from memjax.models import Autoencoder
from memjax.optimizers import adamw
from memjax.schedules import warmup_cosine
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.toy_double_descent.claims import MEASURED, analyse
from memjax.studies.toy_double_descent.numbers import best_runs
from memjax.tasks import SparseFeatures

__all__ = ["STUDY"]

# Ten features per example at every scale, as in the paper.
_TASK = {
    "quick": SparseFeatures(num_features=100, sparsity=0.9),
    "hobbhahn": SparseFeatures(num_features=1000, sparsity=0.99),
    "paper": SparseFeatures(num_features=10_000, sparsity=0.999),
}
_STEPS = {"quick": 8000, "hobbhahn": 20_000, "paper": 50_000}
# Small ones for polygons, then numbers of appearances T (1 - S) of a feature, up to what the papers went to.
_SMALL = {
    "quick": (3, 5, 6, 8, 15),
    "hobbhahn": (3, 5, 6, 8, 10, 15, 30, 50),
    "paper": (3, 5, 6, 8, 10, 15, 30, 100, 300),
}
_LOADS = (1, 2, 3, 5, 7, 10, 20)
_LARGEST = {"quick": 200, "hobbhahn": 100, "paper": 100}
_INITS = 3
_RAW_SIZES = 9
# Other pairs of n and S cost as much as the first; they say where, not what.
_OTHER_SEEDS, _OTHER_INITS = 4, 2
# Where a feature is twice as frequent, more of them overlap in a point, and some crossings come late.
_LATE = 50


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    task, steps = _TASK[scale], _STEPS[scale]
    base = Experiment(
        task=task,
        model=Autoencoder(hidden=2, initializer="xavier"),
        optimizer=adamw(warmup_cosine(peak=1e-3, warmup_steps=steps // 20), weight_decay=1e-2),
        loss="sse",
        steps=steps,
        record_every=steps // 4,
        test_size=1000,
        measures=("loss", "weight_l2"),
        snapshots=(steps,),
    )
    sizes = sorted({*_SMALL[scale], *_sizes(task, (*_LOADS, _LARGEST[scale]))})
    raw = replace(base, task=replace(task, normalize=False))
    parts = {
        "sizes": Sweep(base, _over(sizes, seeds, _INITS)),
        "unnormalized": Sweep(raw, _over(sizes[:_RAW_SIZES], seeds, _INITS)),
    }
    # Half and twice the features, half and twice the chance of each, and both at once: ten per example again.
    n, chance = task.num_features, 1.0 - task.sparsity
    for features, present in [(n // 2, chance), (2 * n, chance), (n, 2 * chance), (n, chance / 2), (2 * n, chance / 2)]:
        other = replace(task, num_features=features, sparsity=round(1.0 - present, 6))
        loads = (*_LOADS, _LATE) if other.sparsity < task.sparsity else _LOADS
        over = _over(_sizes(other, loads), min(seeds, _OTHER_SEEDS), _OTHER_INITS)
        parts[f"n{features}_s{other.sparsity:g}"] = Sweep(replace(base, task=other), over)
    return parts


def _sizes(task: SparseFeatures, loads: Sequence[int]) -> list[int]:
    """Train sizes at which a feature appears in so many examples on average."""
    return [round(load / (1.0 - task.sparsity)) for load in loads]


def _over(sizes: Sequence[int], seeds: int, inits: int) -> dict[str | tuple[str, ...], Sequence[Any]]:
    return {"train_size": tuple(sizes), "data_seed": tuple(range(seeds)), "init_seed": tuple(range(inits))}


def _measured(scale: str) -> Mapping[str, Measured]:
    """Geometry of the best runs; a data set at a time where that takes long."""
    by = None if scale == "quick" else "data_seed"
    return {f"{name}{MEASURED}": Measured(name, best_runs, by) for name in _sweeps(scale, 1)}


STUDY = Study(
    name="toy-double-descent",
    title="Toy double descent: superposition of data points, then of features",
    question="Does a network with two hidden dimensions store single points while there are few, and features when there are "
    "many, and does the test loss have a bump between the two?",
    source='T. Henighan et al., "Superposition, memorization, and double descent" (Transformer Circuits, 2023); M. Hobbhahn, '
    '"More findings on memorization and double descent" (2023)',
    papers={
        "Henighan et al. 2023, Transformer Circuits": "https://transformer-circuits.pub/2023/toy-double-descent/index.html",
        "Hobbhahn 2023, Alignment Forum": "https://www.alignmentforum.org/posts/KzwB4ovzrZ8DYWgpw/"
        "more-findings-on-memorization-and-double-descent",
    },
    scales={
        "quick": "100 features, S = 0.9, 13 train sizes 3 to 2000, 8000 steps, and five other pairs of n and S: about two "
        "minutes on 2 cores",
        "hobbhahn": "1000 features, S = 0.99, 16 train sizes 3 to 10,000, 20,000 steps: about 6 hours on 2 cores (estimated)",
        "paper": "10,000 features, S = 0.999, 17 train sizes 3 to 100,000, 50,000 steps: about two months on 2 cores "
        "(estimated) and 35 GB of memory, so meant for a GPU",
    },
    seeds={"quick": 8, "hobbhahn": 4, "paper": 4},
    sweeps=_sweeps,
    analyse=analyse,
    measured=_measured,
)
"""Points stored in superposition, then features, and a test loss above that of a constant zero between the two."""
