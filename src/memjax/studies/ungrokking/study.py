"""Ungrokking: a network that has generalised goes on with fewer examples, and below a critical number forgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.experiment import Experiment
from memjax.models import EmbeddingMLP, Transformer
from memjax.optimizers import adamw
from memjax.results.snapshots import snapshots
from memjax.studies.kit import Study, Sweep
from memjax.studies.ungrokking.claims import analyse
from memjax.studies.ungrokking.numbers import STARTS
from memjax.tasks import ModularArithmetic

__all__ = ["STUDY"]

_P = {"quick": 31, "paper": 113}
# The first trains until it generalises, and is the control of the others.
_LARGE = {"quick": 769, "paper": 8939}
_SIZES = {
    "quick": (100, 180, 230, 280, 330, 400),
    "paper": (400, 600, 800, 1000, 1250, 1500, 1750, 2000, 2400, 2900, 3500, 4500),
}
# From scratch it takes more of them within as many steps.
_FRESH = {"quick": (280, 330, 400, 500), "paper": (1000, 1500, 2000, 2400, 2900, 3500, 4500)}
_DECAYS = {"quick": (0.5, 1.0, 2.0), "paper": (0.5, 1.0, 2.0, 4.0)}
# Two, for the answer depends on it: the lower one was chosen after a look at the higher one. From scratch there is the
# lower one alone.
_RATES = {"quick": (1e-2, 5e-3), "paper": (1e-3,)}
_STEPS = {"quick": (2000, 3000), "paper": (10_000, 20_000)}
_RECORDS = 20


def _experiment(scale: str, steps: int, **changed: Any) -> Experiment:
    task = ModularArithmetic(p=_P[scale])
    return Experiment(
        task=task,
        model=EmbeddingMLP(embedding=32, hidden=128) if scale == "quick" else Transformer(),
        optimizer=adamw(min(_RATES[scale]), b2=0.98, weight_decay=1.0),
        steps=steps,
        record_every=steps // _RECORDS,
        train_size=_LARGE[scale],
        # The last pairs of a data seed's order: those that no train size has ever shown.
        test_size=task.num_examples - _LARGE[scale],
        measures=("loss", "accuracy", "weight_l2"),
        **changed,
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    steps, runs = _STEPS[scale], tuple(range(seeds))
    own, fresh = _experiment(scale, steps[0], snapshots=(steps[0],)), _experiment(scale, sum(steps))
    return {
        "grokked": Sweep(own, {"learning_rate": _RATES[scale], "weight_decay": _DECAYS[scale], "seed": runs}),
        "scratch": Sweep(fresh, {"train_size": _FRESH[scale], "seed": runs}),
    }


def _further(scale: str, datasets: Mapping[str, xr.Dataset]) -> Mapping[str, Sweep]:
    """Every network that was trained on the many goes on with each smaller part of its own examples."""
    starts = [(one.start, *(one.run[name] for name in STARTS)) for one in snapshots(datasets["grokked"])]
    sizes = (*_SIZES[scale], _LARGE[scale])
    return {"continued": Sweep(_experiment(scale, _STEPS[scale][1]), {("start", *STARTS): starts, "train_size": sizes})}


STUDY = Study(
    name="ungrokking",
    title="Ungrokking: below a critical data set size a network that has generalised forgets again",
    question="Does a network that has generalised forget again when it goes on with fewer examples than a critical number, and "
    "does that number not depend on weight decay?",
    source='V. Varma et al., "Explaining grokking through circuit efficiency" (arXiv:2309.02390, 2023)',
    papers={"Varma et al. 2023, arXiv:2309.02390": "https://arxiv.org/abs/2309.02390"},
    scales={
        "quick": "addition mod 31, an MLP of 13,408 parameters, two learning rates, three weight decays, six "
        "smaller train sizes of 100 to 400: about two minutes on 2 cores",
        "paper": "addition mod 113, the one-layer transformer, four weight decays, twelve train sizes of 400 to 4500: "
        "about 26 hours on 2 cores (estimated), so meant for a GPU",
    },
    seeds={"quick": 4, "paper": 4},
    sweeps=_sweeps,
    further=_further,
    analyse=analyse,
)
"""Below the critical size it is cheaper to memorise than to generalise; how strongly cheapness counts should not move it."""
