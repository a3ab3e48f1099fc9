"""What a guarantee of (epsilon, delta) allows at most: to an attack on membership, and to memorisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from memjax.checks.values import one_of
from memjax.privacy.arguments import Numbers, not_negative, shares

__all__ = ["advantage_bound", "memorization_bound", "replace_one", "tpr_bound"]


def advantage_bound(epsilon: Numbers, delta: Numbers = 0.0) -> Any:
    """Largest difference of the true and the false positive rate that (epsilon, delta) allows to any attack on membership.

    Parameters
    ----------
    epsilon
        Guarantee in nats, of any shape; infinity gives 1.
    delta
        From 0 to 1.

    Returns
    -------
    float or array
        ``(e^epsilon - 1 + 2 delta) / (e^epsilon + 1)``, between 0 and 1.

    Raises
    ------
    InputError
        If epsilon is less than 0, or delta is not from 0 to 1.

    Notes
    -----
    This is the largest distance of the curve of `tpr_bound` above chance (P. Kairouz, S. Oh and P. Viswanath, "The composition
    theorem for differential privacy", ICML 2015, arXiv:1311.0776). The bound ``e^epsilon - 1`` of S. Yeom et al. (2018,
    arXiv:1709.01604) for delta = 0 is larger.

    Examples
    --------
    >>> round(float(advantage_bound(1.0)), 4), round(float(advantage_bound(1.0, 0.1)), 4)
    (0.4621, 0.5159)
    """
    not_negative("epsilon", epsilon)
    shares("delta", delta)
    shrunk = np.exp(-epsilon)
    return (1 - shrunk + 2 * delta * shrunk) / (1 + shrunk)


def tpr_bound(fpr: Numbers, epsilon: Numbers, delta: Numbers = 0.0) -> Any:
    """Largest true positive rate that (epsilon, delta) allows to any attack on membership at a false positive rate.

    Parameters
    ----------
    fpr
        False positive rate, from 0 to 1, of any shape.
    epsilon
        Guarantee in nats, at least 0.
    delta
        From 0 to 1.

    Returns
    -------
    float or array
        The smallest of ``e^epsilon fpr + delta``, ``1 - e^-epsilon (1 - delta - fpr)`` and 1.

    Raises
    ------
    InputError
        If a value is out of its range.

    Notes
    -----
    L. Wasserman and S. Zhou, "A statistical framework for differential privacy" (2010, arXiv:0811.2501); Kairouz, Oh and
    Viswanath (2015, arXiv:1311.0776). One run has many pairs of epsilon and delta, and the smallest bound of all
    of them holds. For the Gaussian mechanism the smallest is `gaussian_power`.

    Examples
    --------
    >>> round(float(tpr_bound(0.01, 1.0, 1e-5)), 4)
    0.0272
    """
    shares("fpr", fpr)
    not_negative("epsilon", epsilon)
    shares("delta", delta)
    # Without any guarantee, 0 times infinity is no number, and the other bound is 1.
    with np.errstate(over="ignore", invalid="ignore"):
        few = fpr * np.exp(epsilon) + delta
    many = 1 - np.exp(-epsilon) * (1 - delta - fpr)
    return np.fmin(np.fmin(few, many), 1.0)


def replace_one(epsilon: Numbers, delta: Numbers = 0.0) -> tuple[Any, Any]:
    """Guarantee for the replacement of one example, from that for adding or removing one.

    Parameters
    ----------
    epsilon
        Guarantee in nats for adding or removing one example, of any shape.
    delta
        From 0 to 1.

    Returns
    -------
    tuple
        ``2 epsilon`` and ``(1 + e^epsilon) delta``, which is at most 1: one example is removed, and one is added.

    Raises
    ------
    InputError
        If a value is out of its range.

    Notes
    -----
    Group privacy: C. Dwork and A. Roth, "The algorithmic foundations of differential privacy" (2014). Where the
    mechanism is Gaussian, mu for a replacement is twice mu for adding or removing one, and `gaussian_advantage` and
    `gaussian_power` of twice mu are smaller bounds.

    Examples
    --------
    >>> epsilon, delta = replace_one(1.0, 1e-5)
    >>> epsilon, round(float(delta), 8)
    (2.0, 3.718e-05)
    """
    not_negative("epsilon", epsilon)
    shares("delta", delta)
    # An infinite epsilon says nothing, and 0 times infinity is no number.
    return 2 * epsilon, np.minimum((1 + np.exp(np.minimum(epsilon, 700.0))) * delta, 1.0)


def memorization_bound(epsilon: Numbers, delta: Numbers = 0.0, *, train_sets: str) -> Any:
    """Largest expected memorisation score of any example that a guarantee for adding or removing one example allows.

    Parameters
    ----------
    epsilon
        Guarantee in nats for adding or removing one example, as `memjax.privacy.epsilon` gives, of any shape.
    delta
        From 0 to 1.
    train_sets
        How the networks that were trained on an example differ from the others. ``one size``: all train sets have one size,
        as with `memjax.subsets.RandomShare` and `memjax.subsets.BalancedHalves`, so that another example stands in the place
        of the one that is left out. ``one more``: every example takes part independently of the others, or is left out alone.

    Returns
    -------
    float or array
        `advantage_bound`, with ``one size`` that of `replace_one`.

    Raises
    ------
    InputError
        If a value is out of its range, or ``train_sets`` is another word.

    Notes
    -----
    The memorisation score of V. Feldman and C. Zhang (2020, arXiv:2008.03703) is the true minus the false positive
    rate of the attack "right about the example, so trained on the example". The bound holds for the mean over train sets and
    over the noise, so the networks of a bank must have different noise: sweep ``init_seed`` or ``seed`` with the subset.
    A score that is estimated from networks lies around its mean and may exceed the bound by chance. With ``one more`` the
    numbers of train examples differ by one, while accounting takes the sampling probability and the divisor as one.

    Examples
    --------
    >>> [round(float(memorization_bound(0.5, 1e-5, train_sets=kind)), 4) for kind in ("one more", "one size")]
    [0.2449, 0.4621]
    """
    if one_of("train_sets", train_sets, ("one size", "one more")) == "one size":
        epsilon, delta = replace_one(epsilon, delta)
    return advantage_bound(epsilon, delta)
