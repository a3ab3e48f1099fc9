"""The mechanism that a run is to an accountant: noise, the probability that a step takes an example, and steps."""

from __future__ import annotations

from typing import Any, NamedTuple

from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.train_size import is_fresh

__all__ = ["Mechanism", "mechanism_of"]


class Mechanism(NamedTuple):
    """Sums of clipped gradients over Poisson samples of the train examples, each released with Gaussian noise.

    Attributes
    ----------
    noise_multiplier
        Deviation of the noise over the largest length of an example's gradient.
    share
        Probability with which a step takes an example; 1 for full batches.
    steps
        Number of sums.
    """

    noise_multiplier: float
    share: float
    steps: int


def mechanism_of(experiment: Any, *, without_noise: bool = False) -> Mechanism:
    """Mechanism of a run.

    Parameters
    ----------
    experiment
        Experiment with `memjax.optimizers.dp_sgd`, with full or Poisson batches.
    without_noise
        Whether a noise multiplier of 0 is allowed.

    Returns
    -------
    Mechanism
        The probability of an example is ``batch_size`` over the number of train examples, which counts as public.

    Raises
    ------
    InputError
        If the experiment has no guarantee, or one that the accountants do not know.

    Examples
    --------
    >>> from memjax.optimizers import dp_sgd
    >>> spec = Experiment(optimizer=dp_sgd(noise_multiplier=4.0), batch_size=10, batches="poisson", train_size=1000, steps=100)
    >>> mechanism_of(spec)
    Mechanism(noise_multiplier=4.0, share=0.01, steps=100)
    """
    if not isinstance(experiment, Experiment):
        raise InputError(f"Accounting got {experiment!r}: give a memjax.Experiment, or the Dataset of a sweep.")
    _check_optimizer(experiment, without_noise)
    size = _check_examples(experiment)
    _check_choices(experiment)
    share = 1.0 if experiment.batch_size is None else min(1.0, experiment.batch_size / size)
    return Mechanism(float(experiment.optimizer.hyperparameters["noise_multiplier"]), share, experiment.steps)


def _check_optimizer(experiment: Experiment, without_noise: bool) -> None:
    optimizer = experiment.optimizer
    if not optimizer.clips_examples:
        raise InputError(
            f"optimizer is {optimizer!r}, which guarantees no privacy: use memjax.optimizers.dp_sgd, which clips the gradient "
            "of every example and adds noise."
        )
    if optimizer.hyperparameters["noise_multiplier"] == 0 and not without_noise:
        raise InputError(
            "dp_sgd.noise_multiplier is 0, so the run guarantees no privacy: give a number of more than 0, or ask "
            "memjax.privacy.noise_for for the one that an epsilon needs."
        )


def _check_examples(experiment: Experiment) -> int:
    """Number of train examples of a run whose batches an accountant knows."""
    if is_fresh(experiment):
        raise InputError(
            "train_size is 'fresh', so there is no train set whose examples take part in several steps, and this accounting "
            "does not hold: give a number as train_size."
        )
    size = experiment.sizes()[0]
    if experiment.batches == "epochs" and experiment.batch_size is not None and experiment.batch_size < size:
        raise InputError(
            f"batches is 'epochs' with batch_size = {experiment.batch_size} of {size} train examples: accounting for Poisson "
            "batches does not hold for batches without replacement, so use batches='poisson', or batch_size=None for full "
            "batches."
        )
    return size


def _check_choices(experiment: Experiment) -> None:
    """Refuse a choice of the network by what the train examples say without noise."""
    for name in ("stop_when", "keep_best"):
        watched = getattr(getattr(experiment, name), "variable", None)
        if getattr(experiment, name) is not None and not str(watched).startswith("test_"):
            raise InputError(
                f"{name} watches {watched!r}, which may look at the train examples without noise, so the guarantee does not "
                f"cover the network that is chosen: watch a variable of the test set, such as 'test_loss', or leave {name} out."
            )
