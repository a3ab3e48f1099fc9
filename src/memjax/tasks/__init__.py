"""Tasks: where examples come from and what the targets are."""

from memjax.tasks.arrays import Arrays, from_arrays
from memjax.tasks.random_labels import RandomLabels
from memjax.tasks.sparse_features import SparseFeatures

__all__ = ["Arrays", "RandomLabels", "SparseFeatures", "from_arrays"]
