"""What a run does when a recorded variable says so: the run stops, or its best network is kept.

`AtLeast`, `AtMost` and `NoGain` are conditions for ``stop_when``. `Lowest` and `Highest` are choices for ``keep_best``.
"""

from memjax.stopping.best import Highest, Lowest
from memjax.stopping.conditions import AtLeast, AtMost, NoGain

__all__ = ["AtLeast", "AtMost", "Highest", "Lowest", "NoGain"]
