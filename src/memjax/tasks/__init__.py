"""Tasks: where examples come from and what the targets are."""

from memjax.tasks.arrays import Arrays, from_arrays
from memjax.tasks.random_labels import RandomLabels

__all__ = ["Arrays", "RandomLabels", "from_arrays"]
