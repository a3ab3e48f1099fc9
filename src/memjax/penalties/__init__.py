"""Penalties: functions of the parameters that training adds to the loss, once per step.

A penalty is a frozen dataclass with ``__call__(params)``, which gives a number; your own works as well. Its numbers can be
swept.
"""

from memjax.penalties.norms import L1, L2, FromInit
from memjax.penalties.paths import PathNorm

__all__ = ["L1", "L2", "FromInit", "PathNorm"]
