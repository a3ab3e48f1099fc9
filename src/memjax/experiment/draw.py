"""Draw the examples of one run on the host, and check their number, their shapes and their fit to the loss."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from memjax import losses
from memjax.checks.values import is_user_code
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.rows import chosen, of_rows, of_run
from memjax.experiment.train_size import is_fresh
from memjax.tasks.containers import plain
from memjax.types import Data, Split

__all__ = ["SQUARED", "check_finite", "check_subset", "check_targets", "draw_data", "draw_split", "parts_of"]

SQUARED = ("mse", "sse")
"""Losses of values, by name: they treat the numbering of classes as a quantity."""
_OF_LABELS = ("cross_entropy", "cross_entropy_exact", "one_hot_mse")
_FUNCTIONS = tuple((name, losses.get(name)) for name in (*SQUARED, *_OF_LABELS))


def draw_split(experiment: Experiment) -> Split:
    """Draw the examples of one run; raises `InputError` for wrong numbers or a loss that does not fit."""
    return of_run(experiment, draw_data(experiment))


def draw_data(experiment: Experiment, sizes: tuple[int, int] | None = None) -> Split:
    """Draw the data set from which the subset of a run is taken, and the test set; or ``sizes`` examples of them.

    A run with fresh examples has a data set without rows.
    """
    if sizes is None and is_fresh(experiment):
        # One row, which is left out again: no task need know how to draw none.
        return of_rows(draw_data(experiment, (1, experiment.data_sizes()[1])), np.arange(0))
    # As isinstance with `PoolTask`, which would take as long as a small draw.
    kind, pooled = type(experiment.task).__name__, hasattr(experiment.task, "pool")
    sizes = sizes or experiment.data_sizes()
    parts = parts_of(kind, experiment.task.draw(experiment.data_key, *sizes))
    for name, part, size in zip(("train", "test"), parts, sizes, strict=True):
        if not len(part.x) == len(part.y) == size:
            raise InputError(
                f"{kind}.draw gave {len(part.x)} inputs and {len(part.y)} targets for the {name} split, where {size} were "
                "asked for: draw exactly as many."
            )
        if pooled:
            _check_indices(kind, part.x, len(_array(f"{kind}.pool", experiment.task.pool)))  # type: ignore[attr-defined]
        if is_user_code(experiment.task):
            check_finite(f"{kind}.draw gave {name}", part)
        check_targets(experiment, part)
    return Split(*(Data(part.x.astype(np.int32), part.y) for part in parts)) if pooled else Split(*parts)


def parts_of(kind: str, split: Any) -> tuple[Data, Data]:
    """Train and test examples as arrays, from the return value of a draw; ``kind`` names the task. Raises `InputError`."""
    try:
        (train_x, train_y), (test_x, test_y) = split
        parts = (("train x", train_x), ("train y", train_y), ("test x", test_x), ("test y", test_y))
    except (TypeError, ValueError):
        raise InputError(
            f"{kind}.draw gave no ((x, y), (x, y)): return memjax.types.Split(Data(x, y), Data(x, y))."
        ) from None
    x, y, *test = (_array(f"In what {kind}.draw gave, {name}", part) for name, part in parts)
    return Data(x, y), Data(*test)


def check_subset(experiment: Experiment) -> None:
    """Raise `InputError` where the subset of a run leaves no row, or does not fit its data set."""
    if experiment.subset is None:
        return
    if experiment.sizes()[0] < 1:
        raise InputError(
            f"subset is {experiment.subset!r}, which leaves none of the {experiment.data_sizes()[0]} rows of the data set: "
            "leave one or more to train on."
        )
    chosen(experiment, draw_data(experiment).train)


def _array(name: str, values: Any) -> np.ndarray:
    """An array from a user's task, without a copy if it is an array already."""
    array = values if type(values) is np.ndarray else plain(name, values)
    if not any(jax.dtypes.issubdtype(array.dtype, kind) for kind in (np.floating, np.integer, np.bool_)):
        raise InputError(f"{name} has dtype {array.dtype}: give an array of integers or floats, all rows of one shape.")
    return array


def _check_indices(kind: str, rows: np.ndarray, pool_rows: int) -> None:
    whole = np.issubdtype(rows.dtype, np.integer) and rows.ndim == 1
    if not whole or not 0 <= int(rows.min(initial=0)) <= int(rows.max(initial=0)) < pool_rows:
        raise InputError(
            f"{kind}.draw must give one whole number from 0 to {pool_rows - 1} per example as x, for the task has a pool; "
            f"it gave {rows.dtype}{list(rows.shape)}."
        )


def check_finite(what: str, part: Data) -> None:
    """Raise `InputError` where examples are not finite; ``what`` begins the message."""
    for name, array in (("inputs", part.x), ("targets", part.y)):
        rows = np.ones(len(array), bool)
        if jax.dtypes.issubdtype(array.dtype, np.floating):
            rows = np.isfinite(array).all(tuple(range(1, array.ndim)))
        if not rows.all():
            raise InputError(
                f"{what} {name} that are not finite, first in row {int(np.argmin(rows))}: remove or replace those values."
            )


def check_targets(experiment: Experiment, data: Data) -> None:
    """Raise `InputError` where drawn targets do not fit the loss or the task's outputs."""
    labels = np.issubdtype(data.y.dtype, np.integer)
    # Compare functions, because a user may pass the function of a built-in loss.
    own = losses.get(experiment.loss)
    name = next((name for name, function in _FUNCTIONS if function is own), None)
    if name in SQUARED and labels:
        raise InputError(
            f"loss is {name!r}, but the targets are class labels, for they are whole numbers: squared error would treat their "
            "numbering as a quantity. If they are classes, use loss = 'cross_entropy' or 'one_hot_mse'; if they are "
            "quantities, give floats, such as y.astype(float)."
        )
    if name in _OF_LABELS and not labels:
        raise InputError(
            f"loss is {name!r}, but the targets are {data.y.dtype} values: use loss = 'mse' or 'sse', or integer labels"
            f"{_label_advice(data.y)}."
        )
    if name in _OF_LABELS and data.y.ndim != 1:
        raise InputError(
            f"loss is {name!r}, but the targets are integers of shape {list(data.y.shape)}: give one label per example, "
            f"{'y[:, 0]' if data.y[0].size == 1 else 'or y.argmax(axis=1) of one-hot rows'}."
        )
    if labels and len(data.y) and not 0 <= data.y.min() <= data.y.max() < experiment.task.num_outputs:
        raise InputError(
            f"Labels run from {data.y.min()} to {data.y.max()}, but the task has {experiment.task.num_outputs} classes: "
            f"labels must lie in 0..{experiment.task.num_outputs - 1}."
        )


def _label_advice(values: np.ndarray) -> str:
    """The end of a message: how targets that look like classes become labels."""
    if values.dtype == bool:
        return ", y.astype(int)"
    rows = values.reshape(len(values), -1)
    if values.dtype.kind != "f" or not rows.size or not (rows == np.round(rows)).all():
        return ""
    if rows.shape[1] > 1:
        one_hot = ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()
        return ", of one-hot rows y.argmax(axis=1)" if one_hot else ""
    if (np.abs(rows) == 1).all():
        return ", of classes -1 and 1 (y > 0).astype(int)"
    return ", such as y.astype(int) if these whole numbers are classes" if rows.min() >= 0 else ""
