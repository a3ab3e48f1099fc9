"""Forgetting: which digits a network learns and forgets again, and what these counts are good for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from memjax.studies.forgetting.claims import analyse
from memjax.studies.forgetting.numbers import rows_of
from memjax.studies.forgetting.runs import NOISE, SIZES, further, sweeps
from memjax.studies.kit import Measured, Study

__all__ = ["STUDY"]


def _measured(scale: str) -> Mapping[str, Measured]:
    size = SIZES[scale]
    task = replace(size.task, label_noise=NOISE)
    drawn = partial(rows_of, task=task, train_size=size.train_size, test_size=size.test_size, epochs=size.epochs)
    return {"rows": Measured("runs", drawn)}


STUDY = Study(
    name="forgetting",
    title="What networks learn and forget again, and which rows they can do without",
    question="Which rows does a network forget between two presentations, do other networks forget the same rows, do these "
    "counts find corrupted labels, and can the rows that are never forgotten be left out?",
    source='M. Toneva et al., "An empirical study of example forgetting during deep neural network learning" (ICLR 2019); '
    'G. Pleiss et al., "Identifying mislabeled data using the area under the margin ranking" (NeurIPS 2020); M. Paul et al., '
    '"Deep learning on a data diet" (NeurIPS 2021)',
    papers={
        "Toneva et al. 2019, arXiv:1812.05159": "https://arxiv.org/abs/1812.05159",
        "Pleiss et al. 2020, arXiv:2001.10528": "https://arxiv.org/abs/2001.10528",
        "Paul et al. 2021, arXiv:2107.07075": "https://arxiv.org/abs/2107.07075",
    },
    scales={
        "quick": "1024 digits, 60 epochs, 10 networks and 190 without some of the rows: about a minute on 2 cores",
        "fashion-mnist": "10,240 images, 30 epochs; needs the files",
        "mnist": "10,240 images, 30 epochs; needs the files",
    },
    seeds={"quick": 10, "fashion-mnist": 5, "mnist": 5},
    sweeps=sweeps,
    further=further,
    measured=_measured,
    analyse=analyse,
)
"""Toneva et al.: some rows are never forgotten and can be left out, and corrupted labels are forgotten more."""
