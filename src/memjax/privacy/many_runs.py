"""An audit by many runs: how often an attack finds an example that was trained on, and how often it is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from memjax.checks.values import number, whole
from memjax.errors import InputError
from memjax.privacy.arguments import share

__all__ = ["audit_many_runs"]


def audit_many_runs(
    hits: int, positives: int, false_alarms: int, negatives: int, *, confidence: float = 0.95, delta: float = 0.0
) -> float:
    """Lower bound on epsilon from the rates of an attack on independent runs with and without an example.

    Parameters
    ----------
    hits
        Number of runs with the example about which the attack says so.
    positives
        Number of runs with the example.
    false_alarms
        Number of runs without the example about which the attack says that the example was trained on.
    negatives
        Number of runs without the example.
    confidence
        Probability with which the bound holds, more than 0 and less than 1.
    delta
        From 0 to less than 1.

    Returns
    -------
    float
        epsilon in nats: with this confidence no run of this kind is (epsilon', delta)-private for a smaller epsilon'. 0 where
        nothing is shown.

    Raises
    ------
    InputError
        If a count is out of its range, or there are no runs of a kind.

    Notes
    -----
    The true positive rate is at least, and the false positive rate at most, an exact bound of C. Clopper and E. Pearson
    (1934), each with half of the error. Then epsilon is at least ``log((tpr - delta) / fpr)``, and at least
    ``log((1 - fpr - delta) / (1 - tpr))`` (M. Jagielski, J. Ullman and A. Oprea, "Auditing differentially private machine
    learning", NeurIPS 2020, arXiv:2006.07709). The threshold of the attack is chosen on other runs. Runs are independent
    where their noise is; several examples of one run are not.

    Examples
    --------
    >>> round(audit_many_runs(500, 1000, 10, 1000), 3)
    3.242
    >>> audit_many_runs(52, 100, 50, 100)
    0.0
    """
    counts = whole("hits", hits, 0), whole("positives", positives, 1)
    alarms = whole("false_alarms", false_alarms, 0), whole("negatives", negatives, 1)
    for name, (some, all_of_them) in {"hits": counts, "false_alarms": alarms}.items():
        if some > all_of_them:
            raise InputError(
                f"{name} is {some}, more than the {all_of_them} runs of its kind: give at most {all_of_them}."
            )
    error = (1 - share("confidence", confidence)) / 2
    delta = number("delta", delta, 0, below=1.0)
    tpr, fpr = _least(*counts, error), 1 - _least(alarms[1] - alarms[0], alarms[1], error)
    return max(0.0, _log_ratio(tpr - delta, fpr), _log_ratio(1 - fpr - delta, 1 - tpr))


def _least(some: int, trials: int, error: float) -> float:
    """Lower bound of a probability with ``some`` successes, wrong with at most the probability ``error``."""
    from scipy.special import betaincinv

    return float(betaincinv(some, trials - some + 1, error)) if some else 0.0


def _log_ratio(above: float, below: float) -> Any:
    return float(np.log(above / below)) if above > 0 else 0.0
