"""Checks of one run that need several of its fields, on the host before anything is traced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from memjax import losses
from memjax.errors import InputError, cause, listing
from memjax.experiment import Experiment
from memjax.models.adapt import with_outputs
from memjax.models.inputs import check_inputs
from memjax.types import Data, PoolTask, Split

__all__ = ["check_functions", "check_run", "check_targets", "draw_split", "shape_of"]

_SQUARED = ("mse", "sse")


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


def draw_split(experiment: Experiment) -> Split:
    """Draw the examples of one run; raise `InputError` where they are not what was asked for, or do not fit the loss."""
    kind, pooled = type(experiment.task).__name__, isinstance(experiment.task, PoolTask)
    sizes = experiment.sizes()
    parts = _parts(kind, experiment.task.draw(experiment.data_key, *sizes))
    for name, part, size in zip(("train", "test"), parts, sizes, strict=True):
        if not len(part.x) == len(part.y) == size:
            raise InputError(
                f"{kind}.draw gave {len(part.x)} inputs and {len(part.y)} targets for the {name} split, where {size} were "
                "asked for: draw exactly as many."
            )
        if pooled:
            _check_indices(kind, part.x, len(experiment.task.pool))  # type: ignore[attr-defined]
        check_targets(experiment, part)
    return Split(*(Data(part.x.astype(np.int32), part.y) for part in parts)) if pooled else Split(*parts)


def _parts(kind: str, split: Any) -> tuple[Data, Data]:
    try:
        (train_x, train_y), (test_x, test_y) = split
        return Data(np.asarray(train_x), np.asarray(train_y)), Data(np.asarray(test_x), np.asarray(test_y))
    except (TypeError, ValueError):
        raise InputError(
            f"{kind}.draw gave no ((x, y), (x, y)): return memjax.types.Split(Data(x, y), Data(x, y))."
        ) from None


def _check_indices(kind: str, rows: np.ndarray, pool_rows: int) -> None:
    whole = np.issubdtype(rows.dtype, np.integer) and rows.ndim == 1
    if not whole or not 0 <= int(rows.min()) <= int(rows.max()) < pool_rows:
        raise InputError(
            f"{kind}.draw must give one whole number from 0 to {pool_rows - 1} per example as x, for the task has a pool; "
            f"it gave {rows.dtype}{list(rows.shape)}."
        )


def check_targets(experiment: Experiment, data: Data) -> None:
    """Raise `InputError` where drawn targets do not fit the loss or the task's outputs."""
    labels = np.issubdtype(data.y.dtype, np.integer)
    name = experiment.loss if isinstance(experiment.loss, str) else None
    if name in _SQUARED and labels:
        raise InputError(
            f"loss is {name!r}, but the targets are class labels: squared error would treat their arbitrary numbering as a "
            "quantity. Use loss = 'cross_entropy', or give one-hot float targets with memjax.tasks.from_arrays."
        )
    if name == "cross_entropy" and not labels:
        raise InputError(
            f"loss is 'cross_entropy', but the targets are {data.y.dtype} values: use loss = 'mse' or 'sse', or integer labels."
        )
    if labels and len(data.y) and not 0 <= data.y.min() <= data.y.max() < experiment.task.num_outputs:
        raise InputError(
            f"Labels run from {data.y.min()} to {data.y.max()}, but the task has {experiment.task.num_outputs} classes: "
            f"labels must lie in 0..{experiment.task.num_outputs - 1}."
        )


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
    loss = losses.get(experiment.loss)
    values = shape_of(f"The loss {experiment.loss!r} cannot be applied to targets {_show(y)}", loss, outputs, y)
    if getattr(values, "shape", None) != (batch,):
        raise InputError(
            f"The loss {experiment.loss!r} gave shape {list(getattr(values, 'shape', []))} for {batch} examples: it must "
            "give one value per example, before any mean."
        )


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
