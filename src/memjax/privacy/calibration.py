"""The noise that an epsilon needs."""

from __future__ import annotations

import math
from collections.abc import Callable

from memjax.checks.values import number
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.privacy.arguments import share
from memjax.privacy.ledgers import check_accountant, epsilon_of
from memjax.privacy.mechanism import mechanism_of

__all__ = ["noise_for"]

_LEAST, _MOST, _TOLERANCE = 0.1, 1e6, 1e-4


def noise_for(
    experiment: Experiment, epsilon: float, delta: float, accountant: str = "pld", *, interval: float = 1e-3
) -> float:
    """Smallest noise multiplier with which an experiment guarantees an epsilon.

    Parameters
    ----------
    experiment
        Experiment with `memjax.optimizers.dp_sgd`, whose own noise multiplier is not looked at.
    epsilon
        Guarantee in nats for adding or removing one example, more than 0.
    delta, accountant, interval
        As in `memjax.privacy.epsilon`. With ``pld`` an epsilon of 8 takes seconds, and one of 100 half a minute.

    Returns
    -------
    float
        The noise multiplier, up to a relative 1e-4 above the smallest one, so that the guarantee holds; at least 0.1.

    Raises
    ------
    InputError
        As `memjax.privacy.epsilon`; or if a noise multiplier of 1e6 is not enough.

    Examples
    --------
    >>> from memjax.optimizers import dp_sgd
    >>> round(noise_for(Experiment(optimizer=dp_sgd(), steps=100), 4.377, 1e-5, "gaussian"), 2)
    10.0
    """
    asked = number("epsilon", epsilon, 0)
    delta, interval = share("delta", delta), number("interval", interval, 1e-7, 1.0)
    check_accountant(accountant)
    mechanism = mechanism_of(experiment, without_noise=True)

    def enough(noise: float) -> bool:
        return epsilon_of(mechanism._replace(noise_multiplier=noise), delta, accountant, interval) <= asked

    high = 1.0
    while not enough(high):
        high *= 2
        if high > _MOST:
            raise InputError(
                f"epsilon is {epsilon!r}, for which a noise_multiplier of {_MOST:g} is not enough: give a larger epsilon, a "
                "larger delta or fewer steps."
            )
    # Accounting takes long where there is little noise, so the way down is in steps, too.
    while high > _LEAST and enough(max(high / 2, _LEAST)):
        high = max(high / 2, _LEAST)
    return _smallest(enough, max(high / 2, _LEAST), high)


def _smallest(enough: Callable[[float], bool], low: float, high: float) -> float:
    """Smallest noise between a ``low`` and an ``enough`` high one, by halving the ratio of both."""
    while high > low * (1 + _TOLERANCE):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
