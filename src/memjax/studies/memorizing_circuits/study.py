"""Memorizing circuits: which points are learnt first, in how many dimensions, and how their gradients add up."""

from __future__ import annotations

from collections.abc import Mapping

from memjax.studies.kit import Measured, Study
from memjax.studies.memorizing_circuits import coefficients, conflict, noise
from memjax.studies.memorizing_circuits.claims import CONFLICTS, analyse
from memjax.studies.memorizing_circuits.runs import LOSSES, SETTLED, further, sweeps

__all__ = ["STUDY"]


def _measured(scale: str) -> Mapping[str, Measured]:
    gradients = {f"{loss}{CONFLICTS}": Measured(loss, conflict.of_networks) for loss in LOSSES}
    return {
        **gradients,
        "coefficients": Measured(f"sizes{SETTLED}", coefficients.by_size),
        "coefficients_noise": Measured(f"sizes{SETTLED}", noise.by_size),
        "coefficients_primes": Measured(f"primes{SETTLED}", coefficients.by_modulus),
    }


STUDY = Study(
    name="memorizing-circuits",
    title="How single points are memorised: in which order, in how many dimensions, and by which gradients",
    question="Is a memorised point about one dimension, does the initial state decide which points are learnt first, are "
    "points learnt one after another, and how do the gradients of single points add up?",
    source='D. Vaintrob and Kaarel, "Grokking, memorization, and generalization: a discussion" (LessWrong, 2023)',
    papers={
        "Vaintrob and Kaarel 2023, LessWrong": "https://www.lesswrong.com/posts/BYwGEBspGgPY5nBZN/"
        "grokking-memorization-and-generalization-a-discussion",
        "Gromov 2023, arXiv:2301.02679": "https://arxiv.org/abs/2301.02679",
        "Jacot et al. 2018, arXiv:1806.07572": "https://arxiv.org/abs/1806.07572",
        "Lau et al. 2023, arXiv:2308.12108": "https://arxiv.org/abs/2308.12108",
    },
    scales={
        "quick": "96 points with random labels, 72 networks for each of two losses, and learning coefficients of 78 networks "
        "on pairs of residues: about two minutes on 2 cores"
    },
    seeds={"quick": 8},
    sweeps=sweeps,
    further=further,
    measured=_measured,
    analyse=analyse,
)
"""Vaintrob and Kaarel ask how a network memorises one point; these numbers say what small networks do."""
