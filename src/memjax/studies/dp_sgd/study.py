"""DP-SGD: what a guarantee of privacy costs in accuracy, and what of memorisation and of attacks the guarantee prevents."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from memjax.studies.dp_sgd.audits import moves, projections
from memjax.studies.dp_sgd.claims import analyse
from memjax.studies.dp_sgd.numbers import gradient_norms
from memjax.studies.dp_sgd.runs import sweeps, tail_task
from memjax.studies.dp_sgd.sizes import SIZES
from memjax.studies.kit import Measured, Study
from memjax.studies.long_tail.numbers import members

__all__ = ["STUDY"]


def _measured(scale: str) -> Mapping[str, Measured]:
    size = SIZES[scale]
    counted = partial(members, task=tail_task(size), train_size=size.tail, test_size=size.tail_test)
    return {
        "norms": Measured("lots", partial(gradient_norms, setting="epsilon 2")),
        "scores": Measured("exact", projections),
        "moves": Measured("canaries", moves),
        "members": Measured("tail", counted),
    }


STUDY = Study(
    name="dp-sgd",
    title="What a guarantee of privacy costs, and what the guarantee prevents",
    question="What does a guarantee of differential privacy cost in accuracy and in the long tail, how far below the guarantee "
    "do memorisation and attacks stay, and is there an attack that reaches the guarantee?",
    source='M. Abadi et al., "Deep learning with differential privacy" (CCS 2016)',
    papers={
        "Abadi et al. 2016, arXiv:1607.00133": "https://arxiv.org/abs/1607.00133",
        "Steinke, Nasr and Jagielski 2023, arXiv:2305.08846": "https://arxiv.org/abs/2305.08846",
        "Feldman 2020, arXiv:1906.05271": "https://arxiv.org/abs/1906.05271",
        "Carlini et al. 2022, arXiv:2112.03570": "https://arxiv.org/abs/2112.03570",
        "Dong, Roth and Su 2022, arXiv:1905.02383": "https://arxiv.org/abs/1905.02383",
    },
    scales={
        "quick": "digits and 1000 subpopulations, four guarantees, banks of 96 networks: one to two minutes on 2 cores; "
        "needs memjax[digits,privacy]",
        "paper": "banks of 512 networks, 128 audits and 3000 subpopulations: not run",
        "mnist": "Abadi et al.'s batches, noise and network on your files of MNIST, up to 700 epochs: not run",
    },
    seeds={"quick": 8, "paper": 16, "mnist": 4},
    sweeps=sweeps,
    measured=_measured,
    analyse=analyse,
)
"""Abadi et al.: less accuracy for more privacy; bounds on what networks memorise, and audits from below."""
