"""Long tail: networks that are kept from memorising rare subpopulations, and the error that this costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from memjax import measures
from memjax.experiment import Experiment
from memjax.models import MLP, NearestNeighbors
from memjax.optimizers import adamw, closed_form
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.long_tail.claims import analyse
from memjax.studies.long_tail.numbers import members
from memjax.subsets import BalancedHalves
from memjax.tasks import Subpopulations

__all__ = ["STUDY"]

_NUMBER = {"quick": 1000, "paper": 5000}
_TEST = {"quick": 4000, "paper": 20_000}
_STEPS = {"quick": 1000, "paper": 5000}
_WIDTH = {"quick": 128, "paper": 512}
_BATCH, _RATE = 50, 0.003
# From no effect to nearly nothing of the tail fitted, as a trial with two seeds showed.
_DECAYS = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0)
_WIDTHS = {"quick": (4, 8, 16, 32, 64, 128), "paper": (8, 16, 32, 64, 128, 256, 512)}
# Shares of the steps at which training is stopped.
_STOPS = (0.02, 0.04, 0.06, 0.08, 0.12, 0.2, 0.4, 1.0)
_NEIGHBORS = (1, 3, 5, 9)
_NETWORKS = {"quick": 64, "paper": 256}


def _network(scale: str) -> Experiment:
    number, steps = _NUMBER[scale], _STEPS[scale]
    return Experiment(
        task=Subpopulations(num_subpopulations=number),
        train_size=number,
        test_size=_TEST[scale],
        model=MLP(hidden=(_WIDTH[scale],)),
        optimizer=adamw(_RATE, weight_decay=0.0),
        batch_size=_BATCH,
        steps=steps,
        record_every=steps,
        measures=("loss", "accuracy"),
        examples=(measures.by_example("accuracy", on=("data", "test")),),
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    network = _network(scale)
    stops = tuple(round(share * network.steps) for share in _STOPS)
    nearest = replace(
        network,
        model=NearestNeighbors(k=1),
        optimizer=closed_form(),
        loss="one_hot_mse",
        measures=("loss",),
        batch_size=None,
        steps=1,
        record_every=1,
    )
    every = range(seeds)
    return {
        "decay": Sweep(network, {"weight_decay": _DECAYS, "seed": every}),
        "width": Sweep(network, {"hidden": [(width,) for width in _WIDTHS[scale]], "seed": every}),
        "stop": Sweep(replace(network, examples_at=stops), {"seed": every}),
        "nearest": Sweep(nearest, {"k": _NEIGHBORS, "seed": every}),
        "bank": Sweep(_bank(network), {"seed": range(_NETWORKS[scale])}),
    }


def _bank(network: Experiment) -> Experiment:
    """Networks on random halves of one data set, that of the first seed."""
    return replace(network, subset=BalancedHalves(), data_seed=0, test_size=0, examples=("correct",))


def _measured(scale: str) -> Mapping[str, Measured]:
    task = Subpopulations(num_subpopulations=_NUMBER[scale])
    return {
        "members": Measured("decay", partial(members, task=task, train_size=_NUMBER[scale], test_size=_TEST[scale]))
    }


STUDY = Study(
    name="long-tail",
    title="The price of not memorising the long tail",
    question="What does a network pay for every subpopulation of a long tail that the network does not memorise, and is the "
    "price the one that frequencies and sample size predict, however the network is kept from memorising?",
    source='V. Feldman, "Does learning require memorization? A short tale about a long tail" (STOC 2020)',
    papers={
        "Feldman 2020, arXiv:1906.05271": "https://arxiv.org/abs/1906.05271",
        "Feldman and Zhang 2020, arXiv:2008.03703": "https://arxiv.org/abs/2008.03703",
    },
    scales={
        "quick": "1000 rows of 1000 subpopulations, 24 settings of four learners and a bank of 64 networks: about a minute "
        "on 2 cores",
        "paper": "5000 rows of 5000 subpopulations, 25 settings and a bank of 256 networks: half an hour on 2 cores "
        "(estimated)",
    },
    seeds={"quick": 10, "paper": 10},
    sweeps=_sweeps,
    measured=_measured,
    analyse=analyse,
)
"""Feldman: an error of tau_l for every subpopulation seen l times that a learner gets wrong, most of it for singletons."""
