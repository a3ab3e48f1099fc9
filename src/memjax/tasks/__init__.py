"""Tasks: the sources of examples and their targets."""

from memjax.tasks.arrays import Arrays
from memjax.tasks.images import Images
from memjax.tasks.mnist1d import MNIST1D
from memjax.tasks.modular import ModularArithmetic
from memjax.tasks.own_arrays import from_arrays
from memjax.tasks.own_frame import from_frame
from memjax.tasks.random_labels import RandomLabels
from memjax.tasks.sparse_features import SparseFeatures
from memjax.tasks.sparse_parity import SparseParity
from memjax.tasks.subpopulations import Subpopulations
from memjax.tasks.teacher_student import TeacherStudent

__all__ = [
    "Arrays",
    "Images",
    "MNIST1D",
    "ModularArithmetic",
    "RandomLabels",
    "SparseFeatures",
    "SparseParity",
    "Subpopulations",
    "TeacherStudent",
    "from_arrays",
    "from_frame",
]
