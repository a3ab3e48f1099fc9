"""Memorization bank: what networks on random halves of the digits memorise, and which attacks and attributions can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from memjax import measures
from memjax.experiment import Experiment
from memjax.models import MLP, NearestNeighbors
from memjax.optimizers import adam, closed_form
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.memorization_bank.attributions import by_gradients
from memjax.studies.memorization_bank.claims import analyse
from memjax.studies.memorization_bank.numbers import rows_of
from memjax.subsets import BalancedHalves
from memjax.tasks import Images

__all__ = ["STUDY"]

_TASK = Images("digits", label_noise=0.1, noise_law="incorrect")
_SIZES = {"quick": (500, 200), "paper": (1500, 297)}
# Enough to fit the half of the rows that a network has, corrupted ones too.
_STEPS = {"quick": 600, "paper": 1800}
_WIDTH, _WIDE = 32, 128
_BATCH, _RATE = 50, 0.01
_REPEATS, _WHOLE = 4, 10
_DAMPING = {"mlp": 0.1, "logistic": 1e-3}
# Subsets of the networks that no attribution has seen.
_UNSEEN = 1_000_000


def _bank(scale: str) -> Experiment:
    size, steps = _SIZES[scale], _STEPS[scale]
    return Experiment(
        task=_TASK,
        train_size=size[0],
        test_size=size[1],
        subset=BalancedHalves(),
        data_seed=0,
        model=MLP(hidden=(_WIDTH,)),
        optimizer=adam(_RATE),
        batch_size=_BATCH,
        steps=steps,
        record_every=steps,
        measures=(measures.accuracy.on("train", "held_out", "test"),),
        examples=("correct", measures.by_example("log_odds", on=("data", "test"))),
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    bank = _bank(scale)
    models = {"mlp": bank, "logistic": replace(bank, model=MLP(hidden=()))}
    wide = replace(bank, model=MLP(hidden=(_WIDE,)), measures=("accuracy",), examples=("correct",))
    nearest = replace(
        wide,
        model=NearestNeighbors(k=1),
        optimizer=closed_form(),
        loss="one_hot_mse",
        measures=("loss",),
        batch_size=None,
        steps=1,
        record_every=1,
    )
    sweeps = {name: Sweep(one, {"seed": range(seeds)}) for name, one in models.items()}
    sweeps |= {"wide": Sweep(wide, {"seed": range(seeds // 2)}), "nearest": Sweep(nearest, {"seed": range(seeds)})}
    for name, one in models.items():
        sweeps[f"unseen_{name}"] = _unseen(one, seeds)
        sweeps[f"whole_{name}"] = _whole(one, seeds)
    return sweeps


def _unseen(bank: Experiment, seeds: int) -> Sweep:
    """Networks on further subsets, several on each."""
    own = replace(bank, examples=(measures.by_example("log_odds", on=("test",)),))
    # Networks on one subset differ in their initial parameters and in the order of their minibatches.
    subsets = range(_UNSEEN, _UNSEEN + seeds // _REPEATS)
    repeats = [(seeds + i, seeds + i) for i in range(_REPEATS)]
    return Sweep(own, {"subset_seed": subsets, ("seed", "batch_seed"): repeats})


def _whole(bank: Experiment, seeds: int) -> Sweep:
    """Networks on all rows, with their parameters."""
    own = replace(bank, subset=None, examples=(), measures=("accuracy",), snapshots=(bank.steps,))
    return Sweep(own, {"seed": range(2 * seeds, 2 * seeds + _WHOLE)})


def _measured(scale: str) -> Mapping[str, Measured]:
    size, test = _SIZES[scale]
    found = {"rows": Measured("mlp", partial(rows_of, task=_TASK, train_size=size, test_size=test))}
    return found | {
        f"attributed_{name}": Measured(f"whole_{name}", partial(by_gradients, damping=damping))
        for name, damping in _DAMPING.items()
    }


STUDY = Study(
    name="memorization-bank",
    title="One bank of networks on random halves: what is memorised, and who can tell",
    question="Which rows of the digits do networks memorise, do other learners memorise the same rows, and which attacks on "
    "membership and which attributions find out from a bank of networks on random halves?",
    source='V. Feldman, C. Zhang, "What neural networks memorize and why" (NeurIPS 2020); N. Carlini et al., "Membership '
    'inference attacks from first principles" (S&P 2022); S. M. Park et al., "TRAK: attributing model behavior at scale" '
    "(ICML 2023)",
    papers={
        "Feldman and Zhang 2020, arXiv:2008.03703": "https://arxiv.org/abs/2008.03703",
        "Carlini et al. 2022, arXiv:2112.03570": "https://arxiv.org/abs/2112.03570",
        "Zarifzadeh et al. 2024, arXiv:2312.03262": "https://arxiv.org/abs/2312.03262",
        "Park et al. 2023, arXiv:2303.14186": "https://arxiv.org/abs/2303.14186",
    },
    scales={
        "quick": "500 digits, 256 networks on halves of them: about a minute and a half on 2 cores",
        "paper": "all 1,797 digits, 1500 of them to train on, 1024 networks on halves of them",
    },
    seeds={"quick": 256, "paper": 1024},
    sweeps=_sweeps,
    measured=_measured,
    analyse=analyse,
)
"""Memorisation scores, membership attacks and attributions, all from networks on random halves of one data set."""
