"""Checks of one run that need several of its fields, on the host before anything is traced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from memjax import losses
from memjax.checks import own
from memjax.containers import plain
from memjax.errors import InputError, cause, listing
from memjax.experiment import Experiment
from memjax.models.adapt import with_outputs
from memjax.models.inputs import check_inputs
from memjax.types import Data, PoolTask, Split

__all__ = ["check_draw", "check_functions", "check_nested", "check_run", "check_targets", "draw_split", "shape_of"]

_SQUARED = ("mse", "sse")
_OF_LABELS = ("cross_entropy", "cross_entropy_exact", "one_hot_mse")


def check_run(experiment: Experiment) -> None:
    """Raise `InputError` where the fields of one run contradict each other."""
    experiment.optimizer.check_steps(experiment.steps)
    check_inputs(experiment.model, experiment.task)
    train_size, _ = experiment.sizes()
    if experiment.batch_size is not None and experiment.batch_size > train_size:
        raise InputError(
            f"batch_size is {experiment.batch_size}, larger than train_size = {train_size}: lower it, or use None for "
            "full batch."
        )


def draw_split(experiment: Experiment, sizes: tuple[int, int] | None = None) -> Split:
    """Draw the examples of one run, or fewer; raise `InputError` where they are not those asked for, or do not fit the loss."""
    kind, pooled = type(experiment.task).__name__, isinstance(experiment.task, PoolTask)
    sizes = sizes or experiment.sizes()
    parts = _parts(kind, experiment.task.draw(experiment.data_key, *sizes))
    for name, part, size in zip(("train", "test"), parts, sizes, strict=True):
        if not len(part.x) == len(part.y) == size:
            raise InputError(
                f"{kind}.draw gave {len(part.x)} inputs and {len(part.y)} targets for the {name} split, where {size} were "
                "asked for: draw exactly as many."
            )
        if pooled:
            _check_indices(kind, part.x, len(_array(f"{kind}.pool", experiment.task.pool)))  # type: ignore[attr-defined]
        if own(experiment.task):
            _check_finite(f"{kind}.draw gave {name}", part)
        check_targets(experiment, part)
    return Split(*(Data(part.x.astype(np.int32), part.y) for part in parts)) if pooled else Split(*parts)


def _parts(kind: str, split: Any) -> tuple[Data, Data]:
    try:
        (train_x, train_y), (test_x, test_y) = split
        parts = (("train x", train_x), ("train y", train_y), ("test x", test_x), ("test y", test_y))
    except (TypeError, ValueError):
        raise InputError(
            f"{kind}.draw gave no ((x, y), (x, y)): return memjax.types.Split(Data(x, y), Data(x, y))."
        ) from None
    x, y, *test = (_array(f"In what {kind}.draw gave, {name}", part) for name, part in parts)
    return Data(x, y), Data(*test)


def _array(name: str, values: Any) -> np.ndarray:
    """What a task of the user's own holds or draws, without a copy where that is an array already."""
    array = values if type(values) is np.ndarray else plain(name, values)
    if not any(jax.dtypes.issubdtype(array.dtype, kind) for kind in (np.floating, np.integer, np.bool_)):
        raise InputError(f"{name} has dtype {array.dtype}: give an array of integers or floats, all rows of one shape.")
    return array


def _check_indices(kind: str, rows: np.ndarray, pool_rows: int) -> None:
    whole = np.issubdtype(rows.dtype, np.integer) and rows.ndim == 1
    if not whole or not 0 <= int(rows.min()) <= int(rows.max()) < pool_rows:
        raise InputError(
            f"{kind}.draw must give one whole number from 0 to {pool_rows - 1} per example as x, for the task has a pool; "
            f"it gave {rows.dtype}{list(rows.shape)}."
        )


def _check_finite(what: str, part: Data) -> None:
    for name, array in (("inputs", part.x), ("targets", part.y)):
        rows = np.ones(len(array), bool)
        if jax.dtypes.issubdtype(array.dtype, np.floating):
            rows = np.isfinite(array).all(tuple(range(1, array.ndim)))
        if not rows.all():
            raise InputError(
                f"{what} {name} that are not finite, first in row {int(np.argmin(rows))}: remove or replace those values."
            )


def check_draw(experiment: Experiment, drawn: Split) -> None:
    """Raise `InputError` where the draw of a user's task is no function of its seed and sizes."""
    task, kind = experiment.task, type(experiment.task).__name__
    if not own(task):
        return
    if isinstance(task, PoolTask):
        _check_pool(kind, task.pool, task.pool)
    size, test_size = len(drawn.train.y), len(drawn.test.y)
    # Two small draws, for they are cheap; a task that serves no small ones is drawn once more as it was.
    fewer = min(size, _FEWER)
    first, again = (_drawn_again(experiment, fewer, test_size) for _ in range(2))
    if first is None or again is None:
        first, again = drawn, _drawn_again(experiment, size, test_size)
    if again is None or not all(map(_alike, jax.tree.leaves(tuple(first)), jax.tree.leaves(tuple(again)))):
        raise InputError(
            f"{kind}.draw gave other examples when it was called again with the same seed and sizes: make every generator in "
            "it from the seed, such as memjax.random.generator(seed, 'inputs'), for the examples of a run are drawn again "
            "wherever they are needed."
        )


def check_nested(experiment: Experiment, other_size: int) -> None:
    """Raise `InputError` where a user's task is drawn in two train sizes, and the smaller is not how the larger begins."""
    size, test_size = experiment.sizes()
    smaller = min(size, other_size, _FEWER)
    small = smaller, smaller + 1, min(test_size, _FEWER)
    pairs = small, (min(size, other_size), max(size, other_size), test_size)
    draws = ([_drawn_again(experiment, n, test) for n in (few, more)] for few, more, test in pairs)
    few, more = next((pair for pair in draws if None not in pair), (None, None))
    if few is None or more is None:
        return
    for name, part, whole in zip(("inputs", "targets"), few.train, more.train, strict=True):
        if not _alike(part, whole[: len(part)]):
            raise InputError(
                f"{type(experiment.task).__name__}.draw is not nested, but the runs have {other_size} and {size} train "
                f"examples: of one seed, the {name} of {len(part)} train examples are not those of the first {len(part)} of "
                f"{len(whole)}. Let no example hang on how many there are: draw inputs and targets from a generator each, such "
                "as memjax.random.generator(seed, 'targets'), and take the first rows."
            )


_FEWER = 64


def _drawn_again(experiment: Experiment, train_size: int, test_size: int) -> Split | None:
    """Examples of the same seed in these numbers; None from a task that does not serve them."""
    try:
        parts = _parts(type(experiment.task).__name__, experiment.task.draw(experiment.data_key, train_size, test_size))
    except Exception:
        return None
    fits = all(len(part.x) == len(part.y) == size for part, size in zip(parts, (train_size, test_size), strict=True))
    return Split(*parts) if fits else None


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are equal; floats up to rounding, for a product of matrices may be summed in another order."""
    if one.shape != other.shape or not np.issubdtype(one.dtype, np.floating):
        return np.array_equal(one, other)
    scale = np.abs(one[np.isfinite(one)]).max(initial=0)
    return bool(np.allclose(one, other, rtol=0, atol=1e-4 * scale, equal_nan=True))


def _check_pool(kind: str, pool: np.ndarray, again: np.ndarray) -> None:
    if pool is not again and not _alike(np.asarray(pool), np.asarray(again)):
        raise InputError(
            f"{kind}.pool gave another array when it was read again: make the pool once, or from the task's fields alone."
        )
    if jax.dtypes.issubdtype(np.asarray(pool).dtype, np.floating):
        _check_finite(f"{kind}.pool holds", Data(np.asarray(pool), np.zeros(0)))


def check_targets(experiment: Experiment, data: Data) -> None:
    """Raise `InputError` where drawn targets do not fit the loss or the task's outputs."""
    labels = np.issubdtype(data.y.dtype, np.integer)
    # By function, for the losses of memjax can be given as such.
    name = next((name for name in (*_SQUARED, *_OF_LABELS) if losses.get(name) is losses.get(experiment.loss)), None)
    if name in _SQUARED and labels:
        raise InputError(
            f"loss is {name!r}, but the targets are class labels, for they are whole numbers: squared error would treat their "
            "numbering as a quantity. If they are classes, use loss = 'cross_entropy' or 'one_hot_mse'; if they are "
            "quantities, give floats, such as y.astype(float)."
        )
    if name in _OF_LABELS and not labels:
        raise InputError(
            f"loss is {name!r}, but the targets are {data.y.dtype} values: use loss = 'mse' or 'sse', or integer labels"
            f"{_way_to_labels(data.y)}."
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


def _way_to_labels(values: np.ndarray) -> str:
    """How targets that look like classes become labels, to end a sentence with."""
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


def check_functions(experiment: Experiment, x: Any, y: Any) -> None:
    """Raise `InputError` where model or loss cannot serve examples shaped like ``x[B, ...]`` and ``y[B, ...]``."""
    model = with_outputs(experiment.model, experiment.task.num_outputs)
    key = jax.eval_shape(lambda: jax.random.key(0))
    params = shape_of(f"The model {model!r} cannot draw parameters for inputs {_show(x)}", model.init, key, x)
    _check_params(model, params)
    outputs = shape_of(f"The model {model!r} cannot be applied to inputs {_show(x)}", model.apply, params, x)
    width, batch = experiment.task.num_outputs, x.shape[0]
    if outputs.shape != (batch, width):
        raise InputError(
            f"The model's output has shape {list(outputs.shape)} for {batch} examples, but the task calls for "
            f"{[batch, width]}: give the model {width} outputs."
        )
    if experiment.loss in _SQUARED and outputs.shape != y.shape:
        raise InputError(
            f"loss is {experiment.loss!r}, but targets have shape {list(y.shape)} and outputs {list(outputs.shape)}: give "
            "targets of the outputs' shape, such as y[:, None]."
        )
    _check_real(f"The model's output is of dtype {outputs.dtype}", outputs.dtype)
    loss = losses.get(experiment.loss)
    values = shape_of(f"The loss {experiment.loss!r} cannot be applied to targets {_show(y)}", loss, outputs, y)
    if getattr(values, "shape", None) != (batch,):
        raise InputError(
            f"The loss {experiment.loss!r} gave shape {list(getattr(values, 'shape', []))} for {batch} examples: it must "
            "give one value per example, before any mean."
        )
    _check_real(f"The loss {experiment.loss!r} gives values of dtype {values.dtype}", values.dtype)


def _check_real(what: str, dtype: Any) -> None:
    if not jax.dtypes.issubdtype(dtype, np.floating):
        raise InputError(f"{what}: training takes derivatives, so give real numbers with a fraction, such as float32.")


def _check_params(model: Any, params: Any) -> None:
    leaves = jax.tree.leaves(params)
    if not leaves:
        raise InputError("The model has no parameters to train.")
    linen = isinstance(model, nn.Module) or (isinstance(params, Mapping) and "params" in params)
    if linen and set(params) != {"params"}:
        extra = sorted(set(params) - {"params"})
        raise InputError(
            f"The Linen module keeps the collections {extra} beside its parameters: memjax trains pure functions of the "
            "parameters, so remove batch statistics and other state."
        )
    other = sorted({str(leaf.dtype) for leaf in leaves if not jnp.issubdtype(leaf.dtype, jnp.inexact)})
    if other:
        raise InputError(
            f"The model has parameters of {listing(other)}, which have no gradient: give floats alone, and keep "
            "everything else in the functions."
        )


def shape_of(what: str, function: Any, *arguments: Any) -> Any:
    """Trace a user's function for its output shape; a failure becomes one sentence with the cause chained."""
    try:
        return jax.eval_shape(function, *arguments)
    except InputError:
        raise
    except Exception as problem:
        raise InputError(f"{what}: {cause(problem)}") from problem


def _show(struct: Any) -> str:
    return f"{struct.dtype}{list(struct.shape)}"
