"""Settings of the study dp-sgd by scale: data, networks, and the noise of every epsilon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from memjax import privacy
from memjax.experiment import Experiment

__all__ = [
    "CLIPPED",
    "DELTA",
    "EPSILONS",
    "FASTER",
    "NO_CLIP",
    "PLAIN",
    "SIZES",
    "Lots",
    "Setting",
    "Size",
    "full_batch_settings",
]

DELTA = 1e-5
"""Probability with which a guarantee may fail, in all parts of the study; Abadi et al. have the same."""
CERTAIN = 0.999
"""A bound above this allows everything, so that no claim on the bound can be contradicted."""
PLAIN, CLIPPED = "no privacy", "clipping alone"
EPSILONS = {"epsilon 32": 32.0, "epsilon 8": 8.0, "epsilon 2": 2.0, "epsilon 0.5": 0.5}
"""Guarantees that are asked for, for adding or removing one example. The last three are those of Abadi et al."""
FASTER = ", larger rate"
"""End of the names of settings at ten times the learning rate."""
NO_CLIP = 1e6
"""A length that no gradient reaches, so that a run without noise is plain descent."""

Setting = tuple[float, float]
"""Clip norm and noise multiplier."""


class Lots(NamedTuple):
    """Networks on Poisson batches, whose test accuracy is published for MNIST.

    Attributes
    ----------
    train_size, test_size, batch_size, steps
        Numbers of examples, expected number of examples in a batch, and steps.
    width, rate, clip_norm
        Hidden units, learning rate, and clip norm.
    clips, rates
        Clip norms, and the learning rates at which each is tried.
    given
        Noise multiplier and steps by epsilon, where the publication gives the noise; None computes the noise.
    """

    train_size: int
    test_size: int
    batch_size: int
    steps: int
    width: int
    rate: float
    clip_norm: float
    clips: tuple[float, ...]
    rates: tuple[float, ...]
    given: Mapping[str, tuple[float, int]] | None = None


class Size(NamedTuple):
    """One scale.

    Attributes
    ----------
    dataset
        Images of all parts but the long tail.
    lots
        Networks on Poisson batches.
    train_size, test_size, networks, width, steps, rate
        Bank: rows of which every network has half, test examples, networks for each setting, hidden units, steps, rate.
    audited, wrong, audits
        Rows of the data set of an audit, the share of them that has a wrong label, and runs for each setting.
    exact
        Runs of every kind for the exact attack.
    tail, tail_test, tail_width, tail_rate
        Long tail: rows and subpopulations, test examples, hidden units, rate.
    """

    dataset: str
    lots: Lots
    train_size: int
    test_size: int
    networks: int
    width: int
    steps: int
    rate: float
    audited: int
    wrong: float
    audits: int
    exact: int
    tail: int
    tail_test: int
    tail_width: int
    tail_rate: float


# A tenth of the rows in a batch, so that the noise multipliers are about those of the paper.
_LOTS = Lots(1400, 397, 140, 200, 64, 0.5, 1.0, (0.1, 0.3, 1.0, 3.0, 10.0), (0.1, 0.5, 2.5))
# Abadi et al.: 10, 400 and 700 epochs of 100 steps, and the learning rate that their schedule ends with.
_PUBLISHED = {"epsilon 8": (2.0, 70_000), "epsilon 2": (4.0, 40_000), "epsilon 0.5": (8.0, 10_000)}
_MNIST = Lots(60_000, 10_000, 600, 10_000, 1000, 0.052, 4.0, (1.0, 2.0, 4.0, 8.0), (0.052,), _PUBLISHED)

_QUICK = Size(
    dataset="digits",
    lots=_LOTS,
    train_size=1200,
    test_size=597,
    networks=96,
    width=32,
    steps=100,
    rate=0.1,
    audited=1500,
    wrong=0.2,
    audits=16,
    exact=250,
    tail=1000,
    tail_test=4000,
    tail_width=64,
    tail_rate=0.2,
)
_LARGE = _QUICK._replace(networks=512, audits=128, exact=2000, tail=3000, tail_test=20_000, tail_width=128)

SIZES = {
    "quick": _QUICK,
    "paper": _LARGE,
    "mnist": _LARGE._replace(dataset="mnist", lots=_MNIST, train_size=4000, test_size=10_000, audited=4000),
}


def full_batch_settings(experiment: Experiment) -> dict[str, Setting]:
    """Clip norm and noise multiplier by the names of settings, for full batches: the closed form gives the noise.

    Examples
    --------
    >>> from memjax.optimizers import dp_sgd
    >>> found = full_batch_settings(Experiment(optimizer=dp_sgd(), steps=100))
    >>> {name: (clip, round(noise, 2)) for name, (clip, noise) in found.items()}
    {'no privacy': (1000000.0, 0.0), 'clipping alone': (1.0, 0.0), 'epsilon 32': (1.0, 2.05), 'epsilon 8': (1.0, 6.0),
     'epsilon 2': (1.0, 19.94), 'epsilon 0.5': (1.0, 70.32)}
    """
    clip = float(experiment.optimizer.hyperparameters["clip_norm"])
    noises = {name: privacy.noise_for(experiment, epsilon, DELTA, "gaussian") for name, epsilon in EPSILONS.items()}
    return {PLAIN: (NO_CLIP, 0.0), CLIPPED: (clip, 0.0), **{name: (clip, noise) for name, noise in noises.items()}}
