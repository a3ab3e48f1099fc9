"""Memorization bank: what networks on random halves of the digits memorise, and which attacks and attributions can tell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from memjax.studies.kit import Measured, Study
from memjax.studies.memorization_bank.attributions import by_gradients
from memjax.studies.memorization_bank.claims import analyse
from memjax.studies.memorization_bank.numbers import rows_of
from memjax.studies.memorization_bank.rows import leverage_of
from memjax.studies.memorization_bank.runs import further, sweeps
from memjax.studies.memorization_bank.sizes import NETWORKS, SIZES

__all__ = ["STUDY"]


def _measured(scale: str) -> Mapping[str, Measured]:
    size = SIZES[scale]
    drawn = partial(rows_of, task=size.task, train_size=size.train_size, test_size=size.test_size)
    found = {"rows": Measured("mlp", drawn), "leverage": Measured("whole_mlp", leverage_of)}
    for name in NETWORKS:
        one = size.network(name)
        compute = partial(by_gradients, damping=one.damping, solver=one.solver, projected=size.projected)
        found[f"attributed_{name}"] = Measured(f"whole_{name}", compute)
    return found


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
        "quick": "500 digits, 256 networks on halves of them: about two minutes on 2 cores",
        "paper": "all 1,797 digits, 1500 of them to train on, 1024 networks on halves of them",
        "fashion-mnist": "5000 images, 256 networks of 128 and 64 hidden units; needs the files",
        "mnist": "the data, networks and training of dattri's benchmark, 256 networks; needs the files",
    },
    seeds={"quick": 256, "paper": 1024, "fashion-mnist": 256, "mnist": 256},
    sweeps=sweeps,
    further=further,
    measured=_measured,
    analyse=analyse,
)
"""Memorisation scores, membership attacks and attributions, all from networks on random halves of one data set."""
