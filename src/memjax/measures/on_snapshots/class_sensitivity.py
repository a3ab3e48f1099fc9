"""How much the loss of every class hangs on the inputs of every other class."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax import losses
from memjax.checks.values import one_of
from memjax.errors import InputError
from memjax.fields import traced_values, with_numbers, without_numbers
from memjax.jax_settings import product_precision, wide
from memjax.losses.seeing import seeing
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.types import Array, LossFn

__all__ = ["class_sensitivity"]

# One program for all numbers of examples.
_ROWS = 256
_DIMS = ("loss_class", "example_class")
_VARIABLES = {
    "class_sensitivity": Variable("mean sensitivity of the loss of a class to the inputs of a class", dims=_DIMS)
}


def class_sensitivity(split: str = "train") -> SnapshotMeasure:
    """Mean sensitivity of the loss of class i to the inputs of class j, to be taken on snapshots by `memjax.measure`.

    The entry (i, j) is the mean over the examples of class j of ||d loss(f(x), i) / d x||_1, the sum of absolute derivatives of
    the loss that the example would have with the label i (D. Arpit et al., 2017, arXiv:1706.05394, the loss-sensitivity by
    class). So the diagonal holds the means of `loss_sensitivity` by class.

    Parameters
    ----------
    split
        ``train`` or ``test``: of which examples.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``class_sensitivity``, ``float64[loss_class, example_class]`` of C x C classes, in units of
        the loss per unit of the inputs. The class of an example is the label that the run has, which may be corrupted. A column
        is NaN where no example has the class.

    Raises
    ------
    InputError
        If the split is neither; when taken, if inputs are no floats, or targets are no labels of at least two classes.

    Notes
    -----
    For a linear softmax with weights ``W[features, C]`` and probabilities p, an example adds ||W (p - e_i)||_1.

    Examples
    --------
    >>> import memjax as mj
    >>> task, model = mj.tasks.RandomLabels(num_classes=3), mj.models.MLP(hidden=(6,))
    >>> spec = mj.Experiment(task=task, model=model, train_size=50, steps=20, snapshots=(0, 20))
    >>> found = mj.measure(mj.sweep(spec), [class_sensitivity()])
    >>> dict(found.class_sensitivity.sizes), bool((found.class_sensitivity > 0).all())
    ({'snapshot': 2, 'loss_class': 3, 'example_class': 3}, True)
    """
    return SnapshotMeasure(_ClassSensitivity(one_of("split", split, ("train", "test"))), _VARIABLES)


@dataclass(frozen=True)
class _ClassSensitivity:
    """The settings of the measure, as a function of one snapshot."""

    split: str

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        x, y = getattr(snapshot, self.split)
        classes = snapshot.experiment.task.num_outputs
        _check_examples(x, y, classes)
        parts = [_of_rows(snapshot, x[at : at + _ROWS], classes) for at in range(0, len(x), _ROWS)]
        each = np.concatenate([np.zeros((classes, 0)), *parts], axis=1)
        return {"class_sensitivity": _by_class(each, y, classes)}, {dim: np.arange(classes) for dim in _DIMS}


def _check_examples(x: np.ndarray, y: np.ndarray, classes: int) -> None:
    labels = np.issubdtype(y.dtype, np.integer) and y.ndim == 1
    if not np.issubdtype(x.dtype, np.floating) or not labels or classes < 2:
        raise InputError(
            f"class_sensitivity is a derivative in the inputs of the loss of every class, but the inputs are {x.dtype}, the "
            f"targets are {y.dtype}, and the task has {classes} outputs: use a task of labels whose inputs are floats."
        )


def _of_rows(snapshot: Any, x: np.ndarray, classes: int) -> np.ndarray:
    """Sensitivities ``[C, len(x)]`` of at most 256 inputs; the first one fills the places behind the last."""
    filled = jnp.asarray(np.concatenate([x, np.repeat(x[:1], _ROWS - len(x), axis=0)]))
    model, params = snapshot.model, jax.tree.map(jnp.asarray, snapshot.params)
    fixed = without_numbers(model), losses.get(snapshot.experiment.loss), classes
    with jax.default_matmul_precision(product_precision()):
        found = _sensitivities(*fixed, traced_values(model), params, filled)
    return np.asarray(found, np.float64)[:, : len(x)]


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _sensitivities(model: Any, loss: LossFn, classes: int, numbers: Any, params: Any, x: Array) -> Array:
    """Sums of the absolute derivatives ``[C, B]`` of the loss with each label in inputs ``x[B, ...]``."""
    own = with_numbers(model, numbers)
    apply, own_loss = lambda params, x: wide(own.apply(params, x)), seeing(loss, own)

    def of_class(label: Array) -> Array:
        # A row of the outputs hangs on the same row of the inputs alone, so one gradient of the sum has those of all rows.
        labels = jnp.full(len(x), label)
        total = lambda inputs: wide(losses.of_examples(own_loss, apply, params, inputs, labels)).sum()  # noqa: E731
        return jnp.abs(wide(jax.grad(total)(x))).reshape(len(x), -1).sum(-1)

    found: Array = jax.lax.map(of_class, jnp.arange(classes))
    return found


def _by_class(each: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Means ``[C, C]`` of values ``[C, N]`` over the examples of each class."""
    member = (y[:, None] == np.arange(classes)).astype(np.float64)
    counts = member.sum(0)
    return np.divide(each @ member, counts, out=np.full((classes, classes), np.nan), where=counts > 0)
