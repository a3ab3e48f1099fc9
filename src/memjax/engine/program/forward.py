"""Random numbers in the forward pass of training: an example's key follows from its run, the step and its row alone.

So neither the runs beside it, nor the tile or the minibatch in which an example stands, change what is drawn for it. A run
that goes on from a store draws the same, because the state counts its steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.engine.program.program import Hyper, Program
from memjax.examples import Tile
from memjax.experiment import Experiment
from memjax.jax_settings import wide
from memjax.losses import of_examples
from memjax.models.randomness import is_random
from memjax.random import key_data, keys
from memjax.random.minibatches import copy_of
from memjax.types import Array, Params

__all__ = [
    "at_step",
    "forward_keys",
    "losses_in_training",
    "numbers_of_rows",
    "outputs_in_training",
    "outputs_of_a_step",
    "training_shapes",
    "with_shapes",
]

_KEYS = "threefry2x32"
# Among the numbers of a run. Paths of fields are never in brackets.
_STEP_KEY = "<key of the step>"


def forward_keys(program: Program, runs: Sequence[Experiment]) -> np.ndarray | None:
    """Raw keys ``uint32[R, 2]`` of the forward passes of runs, from their init seeds; None for a model that draws nothing."""
    return keys([run.init_key for run in runs], "forward") if is_random(program.model) else None


def numbers_of_rows(
    program: Program, sizes: Sequence[int], picked: Sequence[np.ndarray | None]
) -> list[np.ndarray] | None:
    """Numbers ``int32[N]`` of the train examples of runs, from which their keys follow; None for a model that draws nothing.

    The number is the position in the data set, of ``sizes[R]`` rows, also for a run on a subset of it. The second copy of a
    row in a subset has a number behind all rows, as it has a place of its own in the order of minibatches.
    """
    if not is_random(program.model):
        return None
    parts = zip(sizes, picked, strict=True)
    return [(np.arange(n) if rows is None else copy_of(rows) * n + rows).astype(np.int32) for n, rows in parts]


def at_step(data: Any, steps: Array) -> Any:
    """Data of a block for the step that each run does next, ``steps[R]``: the key of the step joins its numbers."""
    if data.forward is None:
        return data
    return data._replace(hyper={**data.hyper, _STEP_KEY: jax.vmap(_raw_key)(data.forward, steps)})


def _raw_key(run: Array, step: Array) -> Array:
    return jax.random.key_data(jax.random.fold_in(jax.random.wrap_key_data(run, impl=_KEYS), step))


def outputs_in_training(program: Program, hyper: Hyper, params: Params, tile: Tile) -> Array:
    """Outputs ``[B, C]`` of the model in training, in float32 or wider."""
    if not is_random(program.model):
        return program.apply_with(hyper)(params, tile.x)
    model: Any = program.model_with(hyper)
    step = jax.random.wrap_key_data(jnp.asarray(hyper[_STEP_KEY]), impl=_KEYS)
    rows: Any = tile.rows
    return wide(model.apply_train(params, tile.x, jax.vmap(jax.random.fold_in, (None, 0))(step, rows)))


def losses_in_training(program: Program, hyper: Hyper, params: Params, tile: Tile) -> tuple[Array, Array]:
    """Losses ``[B]`` of the examples of a step, and the outputs ``[B, C]`` that they follow from."""
    outputs = outputs_in_training(program, hyper, params, tile)
    given = program.apply_with(hyper), params, tile.x, tile.y, outputs
    return of_examples(program.loss_with(hyper), *given), outputs


def outputs_of_a_step(program: Program, params: Params, hyper: Hyper, tile: Tile) -> Array:
    """Outputs ``[B, C]`` of the model in training in the first step of some run, to try them."""
    key: Any = key_data(0, "forward")
    return outputs_in_training(program, {**hyper, _STEP_KEY: key}, params, tile)


def with_shapes(program: Program, data: Any) -> Any:
    """Shape structs of a block's data with those of the keys and the numbers of rows, where the model draws."""
    if not is_random(program.model):
        return data
    runs = jax.ShapeDtypeStruct((*data.train.first.shape, 2), "uint32")
    rows = jax.ShapeDtypeStruct(data.train.y.shape[:2], "int32")
    return data._replace(train=data.train._replace(rows=rows), forward=runs)


def training_shapes(program: Program, hyper: Hyper, count: int) -> tuple[Hyper, Tile]:
    """Shape structs of a run's numbers and of a tile of ``count`` examples, as a training step takes them."""
    struct: Any = jax.ShapeDtypeStruct
    tile = Tile(program.x.struct(count), program.y.struct(count), struct((count,), "bool"))
    if not is_random(program.model):
        return hyper, tile
    return {**hyper, _STEP_KEY: struct((2,), "uint32")}, tile._replace(rows=struct((count,), "int32"))
