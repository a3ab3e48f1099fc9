"""Models that keep their train set: the nearest neighbours of an input, and the rows that equal it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from memjax.checks.values import keep_wholes
from memjax.errors import InputError
from memjax.examples import Examples
from memjax.models.layers import flat_inputs
from memjax.models.shared_fields import check_shared_fields
from memjax.models.train_set import check_room, compared, empty, kept
from memjax.types import Array, Params

__all__ = ["LookUp", "NearestNeighbors"]


@dataclass(frozen=True)
class NearestNeighbors:
    """The mean target of the k nearest train examples, fitted by `memjax.optimizers.closed_form`.

    Distances are Euclidean, and of rows at the same distance the earlier one counts as nearer. Differences are squared and
    added feature by feature, so a train example finds itself at a distance of exactly zero, and equal rows tie exactly.

    For labels the outputs are the shares of the classes among the neighbours, so ``accuracy`` is that of their vote (the lower
    class wins a tie), and ``one_hot_mse`` is the Brier score over C. The shares are no logits: ``cross_entropy`` takes their
    softmax, which is finite and never confident. The parameters are the train set, so ``weight_l2`` is its norm.

    Parameters
    ----------
    k
        Number of neighbours, at most the train size.
    room
        Largest train size of the sweep; None takes the run's own. Runs with the same room share a program, and a larger room
        costs time.
    outputs
        Number of outputs C; None takes the number that the task needs.

    Raises
    ------
    InputError
        If a field's value is not allowed; when a sweep is planned, if a train size is less than ``k`` or more than ``room``.

    Examples
    --------
    >>> model = NearestNeighbors(k=1, room=3, outputs=2)
    >>> x, y = jnp.array([[0.0], [1.0], [4.0]], jnp.float32), jnp.array([0, 1, 0], jnp.int32)
    >>> train = Examples(x[None], y[None], None, 0, jnp.int32(3), 1)
    >>> model.apply(model.fit(model.init(jax.random.key(0), x), train), jnp.array([[1.2], [3.0]], jnp.float32)).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    takes: ClassVar[str] = "quantities"
    by_gradient: ClassVar[bool] = False

    k: int = 1
    room: int | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        keep_wholes(self, {"k": 1})
        keep_wholes(self, {"room": 1}, optional=True)
        check_shared_fields(self)

    def check_fit(self, train_size: int) -> None:
        """Raise `InputError` for a train set that does not fit into the room, or has fewer than k examples."""
        check_room(self, train_size)
        if self.k > train_size:
            raise InputError(
                f"NearestNeighbors.k is {self.k}, more than train_size = {train_size}: lower k, or train on more examples."
            )

    def init(self, key: Array, x: Array) -> Params:
        """Room for the train set: ``live [room]``, ``x [room, D]``, ``y [room, C]``, all zeros."""
        del key
        return empty(self, x)

    def fit(self, params: Params, examples: Examples) -> Params:
        """The train set; see `memjax.types.FittedModel`."""
        return kept(params, examples)

    def apply(self, params: Params, x: Array) -> Array:
        """Mean targets ``[B, C]`` of the nearest train examples of inputs ``x[B, ...]``."""
        own = jax.lax.stop_gradient(params)
        distances = compared(flat_inputs(x), own["x"], lambda one, other: jnp.square(one - other))
        # Of equal entries, top_k takes the earlier ones first.
        _, nearest = jax.lax.top_k(jnp.where(own["live"] > 0, -distances, -jnp.inf), min(self.k, len(own["live"])))
        return own["y"][nearest].mean(1)


@dataclass(frozen=True)
class LookUp:
    """The mean target of the train examples whose input is equal, and of all train examples for any other input.

    This is memorisation and nothing else, fitted by `memjax.optimizers.closed_form`. For labels the outputs are shares of
    classes, with what follows from that for losses as in `NearestNeighbors`. Inputs are compared as floats, so that tokens and
    other whole numbers are exact up to 2^24 in float32.

    Parameters
    ----------
    room
        Largest train size of the sweep; None takes the run's own. Runs with the same room share a program.
    outputs
        Number of outputs C; None takes the number that the task needs.

    Raises
    ------
    InputError
        If a field's value is not allowed; when a sweep is planned, if a train size is more than ``room``.

    Examples
    --------
    >>> model = LookUp(room=3, outputs=1)
    >>> x, y = jnp.array([[0.0], [0.0], [4.0]], jnp.float32), jnp.array([[1.0], [2.0], [6.0]], jnp.float32)
    >>> train = Examples(x[None], y[None], None, 0, jnp.int32(3), 1)
    >>> model.apply(model.fit(model.init(jax.random.key(0), x), train), jnp.array([[0.0], [0.1]], jnp.float32)).tolist()
    [[1.5], [3.0]]
    """

    by_gradient: ClassVar[bool] = False

    room: int | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        keep_wholes(self, {"room": 1}, optional=True)
        check_shared_fields(self)

    def check_fit(self, train_size: int) -> None:
        """Raise `InputError` for a train set that does not fit into the room."""
        check_room(self, train_size)

    def init(self, key: Array, x: Array) -> Params:
        """Room for the train set: ``live [room]``, ``x [room, D]``, ``y [room, C]``, all zeros."""
        del key
        return empty(self, x)

    def fit(self, params: Params, examples: Examples) -> Params:
        """The train set; see `memjax.types.FittedModel`."""
        return kept(params, examples)

    def apply(self, params: Params, x: Array) -> Array:
        """Mean targets ``[B, C]`` of the train examples with the inputs ``x[B, ...]``."""
        own: Any = jax.lax.stop_gradient(params)
        differ = compared(flat_inputs(x), own["x"], lambda one, other: (one != other).astype(one.dtype))
        same = ((differ == 0) & (own["live"] > 0)).astype(differ.dtype)
        count = same.sum(1, keepdims=True)
        everywhere = own["y"].sum(0) / jnp.maximum(own["live"].sum(), 1)
        return jnp.where(count > 0, same @ own["y"] / jnp.maximum(count, 1), everywhere)
