"""Tasks: where examples come from and what the targets are."""

from memjax.tasks.arrays import Arrays, from_arrays
from memjax.tasks.images import Images
from memjax.tasks.mnist1d import MNIST1D
from memjax.tasks.random_labels import RandomLabels
from memjax.tasks.sparse_features import SparseFeatures

__all__ = ["Arrays", "Images", "MNIST1D", "RandomLabels", "SparseFeatures", "from_arrays"]
