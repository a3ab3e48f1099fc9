"""Models of means: the nearest mean input of a class, and the mean target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from memjax.errors import InputError
from memjax.examples import Examples, Tile
from memjax.losses import is_label
from memjax.models.layers import flat_inputs, flat_struct
from memjax.models.shared_fields import check_shared_fields
from memjax.models.target_rows import outputs_of, target_rows
from memjax.models.train_set import compared
from memjax.types import Array, Params

__all__ = ["ClassMean", "MeanTarget"]


@dataclass(frozen=True)
class ClassMean:
    """Nearest class mean: the score of a class is minus half the squared distance to the mean input of its train examples.

    The scores are the logits of Gaussian classes of unit variance that are equally frequent, so ``cross_entropy`` is their
    likelihood. A class without train examples has one less than the lowest score. The targets must be labels; for values,
    `MeanTarget` is the model of means.

    Parameters
    ----------
    outputs
        Number of classes C; None takes the number that the task needs.

    Raises
    ------
    InputError
        If a field's value is not allowed; when a sweep is planned, if targets are values.

    Examples
    --------
    >>> model, y = ClassMean(outputs=2), jnp.array([0, 0, 1], jnp.int32)
    >>> x = jnp.array([[0.0], [2.0], [5.0]], jnp.float32)
    >>> train = Examples(x[None], y[None], None, 0, jnp.int32(3), 1)
    >>> model.apply(model.fit(model.init(jax.random.key(0), x), train), jnp.array([[2.0]], jnp.float32)).tolist()
    [[-0.5, -4.5]]
    """

    takes: ClassVar[str] = "quantities"
    by_gradient: ClassVar[bool] = False

    outputs: int | None = None

    def __post_init__(self) -> None:
        check_shared_fields(self)

    def init(self, key: Array, x: Array) -> Params:
        """``count [C]`` and ``mean [C, D]`` of the classes for inputs ``x[B, ...]``, all zeros."""
        del key
        inputs, classes = flat_struct(x), outputs_of(self)
        return {"count": np.zeros(classes, inputs.dtype), "mean": np.zeros((classes, inputs.shape[1]), inputs.dtype)}

    def fit(self, params: Params, examples: Examples) -> Params:
        """Numbers of examples and mean inputs of the classes; see `memjax.types.FittedModel`."""

        def sums(tile: Tile) -> tuple[Array, Array]:
            if not jnp.issubdtype(tile.y.dtype, jnp.integer):
                raise InputError(
                    f"ClassMean needs class labels, but the targets are {tile.y.dtype} values: use "
                    "memjax.models.MeanTarget for their mean, or LeastSquares."
                )
            chosen = is_label(params["count"][None], tile.y) & tile.mask[:, None]
            own = chosen.astype(params["mean"].dtype)
            return own.sum(0), own.T @ flat_inputs(tile.x)

        count, total = examples.sum(sums)
        return {"count": count, "mean": total / jnp.maximum(count, 1)[:, None]}

    def apply(self, params: Params, x: Array) -> Array:
        """Scores ``[B, C]`` of inputs ``x[B, ...]``."""
        own = jax.lax.stop_gradient(params)
        scores = compared(flat_inputs(x), own["mean"], lambda one, other: -jnp.square(one - other) / 2)
        seen = own["count"] > 0
        lowest = jnp.where(seen, scores, jnp.inf).min(1, keepdims=True)
        return jnp.where(seen, scores, jnp.where(jnp.isfinite(lowest), lowest - 1, 0))


@dataclass(frozen=True)
class MeanTarget:
    """The mean target of the train examples for every input: what can be known without looking at the input.

    For labels the outputs are the shares of the classes, with what follows from that for losses as in `NearestNeighbors`.

    Parameters
    ----------
    outputs
        Number of outputs C; None takes the number that the task needs.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> model, x = MeanTarget(outputs=1), jnp.zeros((3, 1), jnp.float32)
    >>> train = Examples(x[None], jnp.array([[[1.0], [2.0], [6.0]]], jnp.float32), None, 0, jnp.int32(3), 1)
    >>> model.apply(model.fit(model.init(jax.random.key(0), x), train), x[:2]).tolist()
    [[3.0], [3.0]]
    """

    outputs: int | None = None

    def __post_init__(self) -> None:
        check_shared_fields(self)

    def init(self, key: Array, x: Array) -> Params:
        """``mean [C]``, zeros."""
        del key
        return {"mean": np.zeros(outputs_of(self), flat_struct(x).dtype)}

    def fit(self, params: Params, examples: Examples) -> Params:
        """The mean target; see `memjax.types.FittedModel`."""
        dtype = params["mean"].dtype

        def total(tile: Tile) -> Array:
            return jnp.where(tile.mask[:, None], target_rows(tile.y, outputs_of(self), dtype), 0).sum(0)

        return {"mean": examples.sum(total) / examples.size}

    def apply(self, params: Params, x: Array) -> Array:
        """The mean target ``[B, C]`` for every input of ``x[B, ...]``."""
        return jnp.broadcast_to(params["mean"], (x.shape[0], params["mean"].shape[0]))
