"""Generalization measures: a grid of networks at one train loss, and which number of a network tells its gap."""

from __future__ import annotations

from collections.abc import Mapping

from memjax.studies.generalization_measures.claims import analyse
from memjax.studies.generalization_measures.networks import coefficients, of_networks
from memjax.studies.generalization_measures.runs import SIZES, sweeps
from memjax.studies.kit import Measured, Study

__all__ = ["STUDY"]


def _measured(scale: str) -> Mapping[str, Measured]:
    size = SIZES[scale]
    return {f"{name}_networks": Measured(name, of_networks) for name in size.data} | {
        f"{name}_coefficients": Measured(name, coefficients) for name in size.data
    }


STUDY = Study(
    name="generalization-measures",
    title="Which number of a trained network says how well the network generalises",
    question="Which number that is known after training predicts the generalisation gap: norms, margins, sharpness, noise of "
    "the gradients, or the learning coefficient?",
    source='Y. Jiang et al., "Fantastic generalization measures and where to find them" (ICLR 2020); G. K. Dziugaite et al., '
    '"In search of robust measures of generalization" (NeurIPS 2020)',
    papers={
        "Jiang et al. 2020, arXiv:1912.02178": "https://arxiv.org/abs/1912.02178",
        "Dziugaite et al. 2020, arXiv:2010.11924": "https://arxiv.org/abs/2010.11924",
    },
    scales={
        "quick": "two data sets, 32 settings of five hyperparameters: more than two and a half minutes on 2 cores",
        "long": "the same data sets, 486 settings of six hyperparameters: a day on 2 cores (estimated)",
        "images": "2000 images of Fashion-MNIST and of MNIST, 486 settings: needs the files and an accelerator",
    },
    seeds={"quick": 5, "long": 5, "images": 3},
    sweeps=sweeps,
    measured=_measured,
    analyse=analyse,
)
"""Jiang et al.: norms mislead and sharpness helps; Dziugaite et al.: no measure is robust."""
