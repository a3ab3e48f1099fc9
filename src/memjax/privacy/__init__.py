"""Differential privacy of `memjax.optimizers.dp_sgd`: what a run guarantees, what this allows at most, and audits.

`epsilon` accounts for a run, and `noise_for` finds the noise for an epsilon. The bounds say what epsilon allows to an attack
and to memorisation. The audits find a lower bound of epsilon from attacks. In the source, read ``gaussian.py`` first, then
``bounds.py``. Only the accountants ``rdp`` and ``pld`` need the extra ``memjax[privacy]``.
"""

from memjax.privacy.accountant import epsilon
from memjax.privacy.bounds import advantage_bound, memorization_bound, replace_one, tpr_bound
from memjax.privacy.calibration import noise_for
from memjax.privacy.gaussian import (
    gaussian_advantage,
    gaussian_composition,
    gaussian_delta,
    gaussian_epsilon,
    gaussian_power,
)
from memjax.privacy.many_runs import audit_many_runs
from memjax.privacy.one_run import audit_one_run, audit_p_value, count_right

__all__ = [
    "advantage_bound",
    "audit_many_runs",
    "audit_one_run",
    "audit_p_value",
    "count_right",
    "epsilon",
    "gaussian_advantage",
    "gaussian_composition",
    "gaussian_delta",
    "gaussian_epsilon",
    "gaussian_power",
    "memorization_bound",
    "noise_for",
    "replace_one",
    "tpr_bound",
]
