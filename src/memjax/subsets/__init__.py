"""Subsets: which rows of a task's data set a run trains on.

The data set follows the data seed; the subset follows a seed of its own. A subset is a frozen dataclass with ``size`` and
``choose``, see `memjax.types.Subset`; your own works as well.
"""

from memjax.subsets.given_rows import First, GivenRows, LeaveOut, Planted
from memjax.subsets.nested import Nested
from memjax.subsets.random_rows import BalancedHalves, RandomShare

__all__ = ["BalancedHalves", "First", "GivenRows", "LeaveOut", "Nested", "Planted", "RandomShare"]
