"""Shape letters, and the protocols of the parts that users can write: task, model, loss, measure.

Shape letters, the same in every docstring of the library:

====== =============================================
letter meaning
====== =============================================
R      runs (networks trained once)
T      tiles (fixed-width slices of one run's examples)
B      examples in a tile or a minibatch
N      examples of a split
D      input width
C      classes, or outputs of the model
P      parameters
K      records
S      snapshots
====== =============================================
"""

from memjax.types.data import Apply, Array, Data, LossFn, Params, Split
from memjax.types.models import FittedModel, Model, PaddableModel, RandomModel
from memjax.types.runs import Best, Condition, Estimator, Penalty, Subset, Trained, Trainer
from memjax.types.tasks import (
    EvaluatedTask,
    FileTask,
    FiniteTask,
    FreshTask,
    NoisyTask,
    PoolTask,
    SizedTask,
    Task,
    TokenTask,
)

__all__ = [
    "Apply", "Array", "Best", "Condition", "Data", "Estimator", "EvaluatedTask", "FileTask", "FiniteTask", "FittedModel",
    "FreshTask", "LossFn", "Model", "NoisyTask", "PaddableModel", "Params", "Penalty", "PoolTask", "RandomModel",
    "SizedTask", "Split", "Subset", "Task", "TokenTask", "Trained", "Trainer",
]  # fmt: skip
