"""An audit in one run: many examples are in the train set by coin flips, and an attack guesses the flips."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from memjax.checks.values import whole
from memjax.errors import InputError
from memjax.privacy.arguments import not_negative, share

__all__ = ["audit_one_run", "audit_p_value", "count_right"]

_TOLERANCE = 1e-9


def count_right(scores: npt.ArrayLike, trained: npt.ArrayLike, *, above: int, below: int = 0) -> tuple[int, int]:
    """Right guesses and guesses of an attack that takes the largest scores for train examples and the smallest for others.

    Parameters
    ----------
    scores
        Score of every canary, float ``[m]``; larger where the network was more probably trained on the canary. A score must
        not depend on which canaries were trained on but through the network.
    trained
        Whether each canary is in the train set, bool ``[m]``: the coin flips, each with probability 1/2.
    above, below
        Numbers of guesses "in", for the largest scores, and "out", for the smallest. They are chosen before the flips are
        looked at: the best of several choices is no audit.

    Returns
    -------
    tuple
        Number of right guesses v and number of guesses r, for `audit_one_run`.

    Raises
    ------
    InputError
        If the arrays have different shapes or more than one dimension, or there are more guesses than canaries.

    Examples
    --------
    >>> count_right([0.9, 0.1, 0.4, 0.8], [True, False, True, False], above=2, below=1)
    (2, 3)
    """
    values, inside = np.asarray(scores, np.float64), np.asarray(trained)
    above, below = whole("above", above, 0), whole("below", below, 0)
    if values.ndim != 1 or inside.shape != values.shape or not np.isin(inside, (0, 1)).all():
        raise InputError(
            f"scores have the shape {values.shape} and trained {inside.shape}: give a score and a truth value for every canary."
        )
    if not 0 < above + below <= len(values):
        raise InputError(
            f"above + below is {above + below}: give 1 to {len(values)} guesses, for {len(values)} canaries."
        )
    order = np.argsort(-values, kind="stable")
    right = inside[order[:above]].sum() + (1 - inside[order[len(values) - below :]]).sum()
    return int(right), above + below


def audit_p_value(
    right: int, guesses: int, epsilon: float, *, delta: float = 0.0, canaries: int | None = None
) -> float:
    """Largest probability of so many right guesses about the coin flips of a run that is (epsilon, delta)-private.

    Parameters
    ----------
    right
        Number v of right guesses.
    guesses
        Number r of guesses; an attack may abstain on other canaries.
    epsilon
        Guarantee in nats that is tested, for adding or removing one example, at least 0.
    delta
        From 0 to 1.
    canaries
        Number m of canaries; needed where delta is more than 0.

    Returns
    -------
    float
        At most 1.

    Raises
    ------
    InputError
        If a number is out of its range, or delta is more than 0 and ``canaries`` is not given.

    Notes
    -----
    T. Steinke, M. Nasr and M. Jagielski, "Privacy auditing with one (1) training run" (2023, arXiv:2305.08846). For delta = 0
    the right guesses are dominated by W ~ Binomial(r, e^epsilon / (1 + e^epsilon)), and the value is P[W >= v]. A delta adds
    ``2 m delta max_i P[v > W >= v - i] / i`` over i = 1, ..., v.

    Examples
    --------
    >>> import math
    >>> round(audit_p_value(75, 100, math.log(3)), 3)
    0.553
    """
    from scipy.special import betainc, expit
    from scipy.stats import binom

    right, guesses, size = _counts(right, guesses, delta, canaries)
    not_negative("epsilon", epsilon)
    likely = expit(epsilon)
    value = betainc(right, guesses - right + 1, likely) if right else 1.0
    if delta > 0 and right > 0:
        below = np.cumsum(binom.pmf(np.arange(right - 1, -1, -1), guesses, likely))
        value += 2 * size * delta * (below / np.arange(1, right + 1)).max()
    return float(min(value, 1.0))


def audit_one_run(
    right: int, guesses: int, *, confidence: float = 0.95, delta: float = 0.0, canaries: int | None = None
) -> float:
    """Lower bound on epsilon from the guesses of an attack on one run.

    Parameters
    ----------
    right, guesses, delta, canaries
        As in `audit_p_value`.
    confidence
        Probability with which the bound holds, more than 0 and less than 1.

    Returns
    -------
    float
        epsilon in nats: with this confidence the run is not (epsilon', delta)-private for any smaller epsilon'. 0 where
        nothing is shown.

    Raises
    ------
    InputError
        As `audit_p_value`, or if the confidence is out of its range.

    Notes
    -----
    All canaries take part in the train set independently, each with the probability 1/2, and the flips of other examples are
    fixed. With r right guesses of r the bound is ``-log((1 - confidence)^(-1 / r) - 1)``, so few guesses cannot show much.

    Examples
    --------
    >>> round(audit_one_run(75, 100, delta=1e-4, canaries=1000), 3)
    0.673
    """
    surprise = 1 - share("confidence", confidence)
    _counts(right, guesses, delta, canaries)

    def refused(epsilon: float) -> bool:
        return audit_p_value(right, guesses, epsilon, delta=delta, canaries=canaries) <= surprise

    if not refused(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while refused(high):
        low, high = high, 2 * high
    while high - low > _TOLERANCE * high:
        middle = (low + high) / 2
        low, high = (middle, high) if refused(middle) else (low, middle)
    return low


def _counts(right: Any, guesses: Any, delta: float, canaries: int | None) -> tuple[int, int, int]:
    """The counts v, r and m."""
    found, asked = whole("right", right, 0), whole("guesses", guesses, 1)
    if found > asked:
        raise InputError(f"right is {found}, more than the {asked} guesses: give at most {asked}.")
    if delta == 0:
        return found, asked, asked
    share("delta", delta)
    if canaries is None or whole("canaries", canaries, 1) < asked:
        raise InputError(
            f"canaries is {canaries!r}: a delta of more than 0 needs the number of canaries, at least the {asked} guesses."
        )
    return found, asked, canaries
