"""Random labels: they are fitted like true ones, later and with more units, and nothing is learnt from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from memjax.studies.kit import Measured, Study
from memjax.studies.random_labels.by_class import by_class
from memjax.studies.random_labels.claims import analyse
from memjax.studies.random_labels.numbers import critical, noisy_test
from memjax.studies.random_labels.runs import NETWORKS, NOISE, SIZES, sweeps

__all__ = ["STUDY"]

_SEARCHED, _SEARCH_STEPS = ("true labels", "random labels"), 20


def _measured(scale: str) -> Mapping[str, Measured]:
    tested = {f"{name}_tested": Measured(name, noisy_test) for name in NETWORKS}
    search = partial(critical, laws=_SEARCHED, radii=SIZES[scale].radii, steps=_SEARCH_STEPS)
    classes = partial(by_class, laws=NOISE)
    return tested | {"critical": Measured("laws", search), "classes": Measured("laws", classes)}


STUDY = Study(
    name="random-labels",
    title="Random labels are fitted like true ones, but later, and with more units",
    question="Do networks fit random labels and random inputs, what does fitting them cost, and in which order are true and "
    "corrupted labels learnt?",
    source='C. Zhang et al., "Understanding deep learning requires rethinking generalization" (ICLR 2017); D. Arpit et al., '
    '"A closer look at memorization in deep networks" (ICML 2017)',
    papers={
        "Zhang et al. 2017, arXiv:1611.03530": "https://arxiv.org/abs/1611.03530",
        "Arpit et al. 2017, arXiv:1706.05394": "https://arxiv.org/abs/1706.05394",
    },
    scales={
        "quick": "600 digits, networks of 128 and of 3 x 128 units, 4 seeds: about two minutes on 2 cores",
        "paper": "1000 digits, networks of 512 and of 3 x 512 units, 8 seeds",
        "fashion-mnist": "2000 images, networks of 512 and of 3 x 512 units, 8 seeds; needs the files",
    },
    seeds={"quick": 4, "paper": 8, "fashion-mnist": 8},
    sweeps=sweeps,
    measured=_measured,
    analyse=analyse,
)
"""Zhang et al. and Arpit et al. on small networks: fitting, test error and single inputs, by the share of random labels."""
