"""Double descent: random features and networks of every size, with and without noise, and what removes the peak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import xarray as xr

from memjax.experiment import Experiment
from memjax.experiment.record_times import spaced
from memjax.models import MLP
from memjax.optimizers import adam, adamw
from memjax.studies.double_descent.claims import analyse
from memjax.studies.double_descent.exact import descent, of_descent, of_isotropic
from memjax.studies.double_descent.random_features import of_images, on_sphere
from memjax.studies.double_descent.regression import of_diabetes
from memjax.studies.double_descent.reuse import chain, name_of
from memjax.studies.double_descent.sizes import NOISE, SIZES, Size
from memjax.studies.kit import Measured, Study, Sweep

__all__ = ["STUDY"]


def _network(size: Size) -> Experiment:
    return Experiment(
        task=size.task,
        train_size=size.train_size,
        test_size=size.test_size,
        model=MLP(hidden=(16,)),
        optimizer=adam(size.rate),
        batch_size=size.batch_size,
        steps=size.steps,
        record_at=(0, *spaced(1, size.steps, per_decade=8)),
        measures=("loss", "accuracy"),
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    size = SIZES[scale]
    network, every = _network(size), range(seeds)
    noisy = replace(network, task=replace(size.task, label_noise=NOISE[-1]))
    decayed = replace(noisy, optimizer=adamw(size.rate, weight_decay=0.0))
    first = replace(_kept(network), model=MLP(hidden=(size.reused[0],)))
    widths, held, small = ([(width,) for width in some] for some in (size.widths, size.decayed, size.small))
    return {
        "width": Sweep(network, {"label_noise": NOISE, "hidden": widths, "seed": every}),
        "decay": Sweep(decayed, {"weight_decay": size.decays, "hidden": held, "seed": every}),
        "samples": Sweep(
            network,
            {
                "label_noise": NOISE,
                "hidden": small,
                "train_size": size.train_sizes,
                "seed": range(seeds * size.repeats),
            },
        ),
        "descent": Sweep(descent(), {"seed": every}),
        name_of(size.reused[0]): Sweep(first, {"label_noise": NOISE, "seed": every}),
    }


def _kept(network: Experiment) -> Experiment:
    """The same, and the last parameters are kept for the next network of the chain."""
    return replace(network, snapshots=(network.steps,))


def _further(scale: str, datasets: Mapping[str, xr.Dataset]) -> Mapping[str, Sweep]:
    size = SIZES[scale]
    return chain(_kept(_network(size)), size.reused, datasets)


def _measured(scale: str) -> Mapping[str, Measured]:
    size = SIZES[scale]
    features = partial(of_images, task=size.task, train_size=size.rows, test_size=size.test_size)
    return {
        "features": Measured("width", features),
        "sphere": Measured("width", on_sphere),
        "diabetes": Measured("width", of_diabetes),
        "isotropic": Measured("width", of_isotropic),
        "descent_exact": Measured("descent", of_descent),
    }


STUDY = Study(
    name="double-descent",
    title="Double descent: the test error peaks where the train set is just fitted",
    question="Is there a peak of the test error at the threshold of interpolation, with and without label noise, in width, in "
    "steps and in examples, and what removes the peak?",
    source='M. Belkin et al., "Reconciling modern machine-learning practice and the classical bias-variance trade-off" (PNAS '
    '2019); P. Nakkiran et al., "Deep double descent" (ICLR 2020)',
    papers={
        "Belkin et al. 2019, arXiv:1812.11118": "https://arxiv.org/abs/1812.11118",
        "Nakkiran et al. 2019, arXiv:1912.02292": "https://arxiv.org/abs/1912.02292",
        "Mei and Montanari 2019, arXiv:1908.05355": "https://arxiv.org/abs/1908.05355",
        "Schaeffer et al. 2023, arXiv:2303.14151": "https://arxiv.org/abs/2303.14151",
        "Curth et al. 2023, arXiv:2310.18988": "https://arxiv.org/abs/2310.18988",
    },
    scales={
        "quick": "digits: random features of 300, networks of 15 widths on 500, 3000 steps: about two minutes on 2 cores",
        "long": "the same with 20,000 steps: about ten minutes",
        "mnist1d": "signals of MNIST-1D: networks on 1000, 20,000 steps",
        "fashion-mnist": "random features of 1000 images, networks on 4000, 40,000 steps; needs the files",
        "mnist": "random features of 1000 images, networks on 4000, 40,000 steps; needs the files",
    },
    seeds={"quick": 8, "long": 4, "mnist1d": 4, "fashion-mnist": 4, "mnist": 4},
    sweeps=_sweeps,
    further=_further,
    measured=_measured,
    analyse=analyse,
)
"""Belkin, Nakkiran, Mei and Montanari, Schaeffer, Curth: peaks at the threshold, their causes, and what removes them."""
