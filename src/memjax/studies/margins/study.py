"""Margins: Jiang et al. on populations of small networks, and Elsayed et al. on their training."""

from __future__ import annotations

from collections.abc import Mapping

from memjax.studies.kit import Measured, Study
from memjax.studies.margins.claims import analyse
from memjax.studies.margins.losses import changed
from memjax.studies.margins.runs import DATA, LOSSES, sweeps
from memjax.studies.margins.signatures import linear_margins, signatures

__all__ = ["STUDY"]


def _measured(scale: str) -> Mapping[str, Measured]:
    return {
        **{f"{name}_signatures": Measured(name, signatures, by="seed") for name in DATA},
        "linear_margins": Measured("linear", linear_margins),
        **{f"{name}_changed": Measured(name, changed) for name in LOSSES},
    }


STUDY = Study(
    name="margins",
    title="Distances to the decision border, how well they predict generalisation, and training for them",
    question="Do distances to the decision border predict how well a network generalises, and does it help to train for them?",
    source='Y. Jiang, D. Krishnan, H. Mobahi, S. Bengio, "Predicting the generalization gap in deep networks with margin '
    'distributions" (ICLR 2019); G. Elsayed, D. Krishnan, H. Mobahi, K. Regan, S. Bengio, "Large margin deep networks for '
    'classification" (NeurIPS 2018)',
    papers={
        "Jiang et al. 2019, arXiv:1810.00113": "https://arxiv.org/abs/1810.00113",
        "Elsayed et al. 2018, arXiv:1803.05598": "https://arxiv.org/abs/1803.05598",
    },
    scales={
        "quick": "populations of 108 networks on 50 to 200 digits and on as many signals of MNIST-1D, two losses on up to "
        "400 digits: two and a half minutes on 2 cores",
        "mnist": "the same on up to 4000 images, networks of up to 256 units; needs the files",
        "fashion-mnist": "the same on up to 4000 images, networks of up to 256 units; needs the files",
    },
    seeds={"quick": 5, "mnist": 5, "fashion-mnist": 5},
    sweeps=sweeps,
    measured=_measured,
    analyse=analyse,
)
