"""Edge of stability: gradient descent sharpens the loss up to 2 / learning rate, and stays there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from memjax.experiment import Experiment
from memjax.optimizers import sgd
from memjax.studies.edge_of_stability.claims import analyse
from memjax.studies.edge_of_stability.parts import Chebyshev, OneHiddenLayer, half_squared_error
from memjax.studies.kit import Study, Sweep

__all__ = ["STUDY"]

_POINTS = 20
_DEGREES = {"quick": (2, 3, 4), "paper": (2, 3, 4, 5)}
_RATES = {"quick": (0.05, 0.1, 0.2, 0.4), "paper": (0.01, 0.025, 0.05, 0.1, 0.2, 0.4)}
_MOMENTA = (0.0, 0.5, 0.9)
_STEPS = {"quick": 100_000, "paper": 400_000}
_RECORDS = 1000
# Records of every step, of which the first is the loss before it.
_EVERY_STEP = {"quick": 24_000, "paper": 100_000}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    steps, rates, some = _STEPS[scale], _RATES[scale], tuple(range(seeds))
    experiment = Experiment(
        task=Chebyshev(),
        model=OneHiddenLayer(),
        # A momentum of zero is plain gradient descent, in the program of the others.
        optimizer=sgd(0.1, momentum=0.0),
        loss=half_squared_error,
        steps=steps,
        record_every=steps // _RECORDS,
        train_size=_POINTS,
        test_size=1,
        measures=("loss", "sharpness"),
    )
    every = dataclasses.replace(experiment, steps=_EVERY_STEP[scale], record_every=1, measures=("step_loss",))
    return {
        "rates": Sweep(experiment, {"degree": _DEGREES[scale], "learning_rate": rates, "seed": some}),
        "momentum": Sweep(experiment, {"momentum": _MOMENTA, "learning_rate": rates[-4:-1], "seed": some}),
        "every_step": Sweep(every, {"learning_rate": rates, "seed": some}),
    }


STUDY = Study(
    name="edge-of-stability",
    title="Edge of stability: sharpness rises to 2 / learning rate and stays there",
    question="Does full-batch gradient descent sharpen the loss until its largest Hessian eigenvalue is 2 / learning rate, and "
    "stay there while the loss keeps falling over long times?",
    source='J. Cohen, S. Kaur, Y. Li, J. Z. Kolter and A. Talwalkar, "Gradient descent on neural networks typically occurs at '
    'the edge of stability" (ICLR 2021)',
    papers={"Cohen et al. 2021, arXiv:2103.00065": "https://arxiv.org/abs/2103.00065"},
    scales={
        "quick": "Chebyshev polynomials of degree 2 to 4 at 20 points, four learning rates, 100,000 steps: about a minute "
        "on 2 cores",
        "paper": "degrees 2 to 5, six learning rates, 400,000 steps: about ten minutes on 2 cores (estimated)",
    },
    seeds={"quick": 6, "paper": 10},
    sweeps=_sweeps,
    analyse=analyse,
)
"""Full-batch gradient descent on a one-dimensional regression: Hessian, learning rate and momentum, step by step."""
