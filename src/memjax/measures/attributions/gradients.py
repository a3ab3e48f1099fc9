"""Gradients of single examples, and the Hessian of the train loss, of one network with flat parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from memjax import losses
from memjax.fields import traced_values, with_numbers, without_numbers
from memjax.jax_settings import product_precision, wide
from memjax.losses.seeing import seeing
from memjax.measures.recorded.margin import label_and_others
from memjax.types import Array, Data

__all__ = ["hessian", "hessian_products", "loss_gradients", "value_gradients", "wrong_probability"]

FloatArray = np.ndarray

# Rows whose gradients are made at once, and columns of the Hessian; more of either would leave a processor's cache.
_ROWS, _COLUMNS = 64, 16


def loss_gradients(snapshot: Any, data: Data) -> FloatArray:
    """Gradient ``float32[N, P]`` of the loss of every example, in the flat parameters of a network."""
    return _called(_loss_gradients, snapshot, data)


def value_gradients(snapshot: Any, data: Data) -> FloatArray:
    """Gradient ``float32[N, P]`` of the value of every example: log-odds of its label, or else minus its loss."""
    return _called(_value_gradients, snapshot, data)


def wrong_probability(snapshot: Any, data: Data) -> FloatArray:
    """Probability ``float32[N]`` that a network gives to all classes but the label."""
    return _called(_wrong, snapshot, data)


def hessian(snapshot: Any, data: Data) -> FloatArray:
    """Hessian ``float32[P, P]`` of the mean loss over some examples, one column after another."""
    return _called(_hessian, snapshot, data)


def hessian_products(snapshot: Any, data: Data, damping: float, right: FloatArray, steps: int) -> FloatArray:
    """Solutions ``float32[M, P]`` of (Hessian + damping) v = ``right[M, P]``, by ``steps`` steps of conjugate gradients."""
    return _called(_solved, snapshot, data, jnp.float32(damping), jnp.asarray(right), steps=steps)


def _called(function: Callable[..., Array], snapshot: Any, data: Data, *more: Any, **static: Any) -> FloatArray:
    model = snapshot.model
    params = jax.tree.map(jnp.asarray, snapshot.params)
    fixed = without_numbers(model), losses.get(snapshot.experiment.loss)
    with jax.default_matmul_precision(product_precision()):
        return np.asarray(function(*fixed, traced_values(model), params, *map(jnp.asarray, data), *more, **static))


_compiled = functools.partial(jax.jit, static_argnums=(0, 1))


def _losses(model: Any, loss: Any, numbers: Any, params: Any, x: Array, y: Array) -> Array:
    """Losses ``[B]`` of examples ``x[B, ...]``, ``y[B, ...]``."""
    own = with_numbers(model, numbers)
    return losses.of_examples(seeing(loss, own), lambda params, x: wide(own.apply(params, x)), params, x, y)


def _each(function: Callable[[Array, Array], Array], x: Array, y: Array) -> Array:
    """A function of every example, some examples at once."""
    found: Array = jax.lax.map(lambda row: function(*row), (x, y), batch_size=_ROWS)
    return found


@_compiled
def _loss_gradients(model: Any, loss: Any, numbers: Any, params: Any, x: Array, y: Array) -> Array:
    flat, tree = ravel_pytree(params)
    one = jax.grad(lambda at, x, y: _losses(model, loss, numbers, tree(at), x[None], y[None])[0])
    return _each(lambda x, y: one(flat, x, y), x, y)


@_compiled
def _value_gradients(model: Any, loss: Any, numbers: Any, params: Any, x: Array, y: Array) -> Array:
    flat, tree = ravel_pytree(params)

    def value(at: Array, x: Array, y: Array) -> Array:
        if not jnp.issubdtype(y.dtype, jnp.integer):
            return -_losses(model, loss, numbers, tree(at), x[None], y[None])[0]
        label, others = label_and_others(wide(with_numbers(model, numbers).apply(tree(at), x[None])), y[None])
        return (label - jax.nn.logsumexp(others, axis=-1))[0]

    return _each(lambda x, y: jax.grad(value)(flat, x, y), x, y)


@_compiled
def _wrong(model: Any, loss: Any, numbers: Any, params: Any, x: Array, y: Array) -> Array:
    outputs = wide(with_numbers(model, numbers).apply(params, x))
    label, others = label_and_others(outputs, y)
    return jax.nn.sigmoid(jax.nn.logsumexp(others, axis=-1) - label)


def _product(model: Any, loss: Any, numbers: Any, params: Any, x: Array, y: Array) -> tuple[Array, Any]:
    """Flat parameters, and the product of the Hessian of the mean loss with a vector."""
    flat, tree = ravel_pytree(params)
    mean = lambda at: _losses(model, loss, numbers, tree(at), x, y).mean()  # noqa: E731
    return flat, lambda vector: jax.jvp(jax.grad(mean), (flat,), (vector,))[1]


@_compiled
def _hessian(model: Any, loss: Any, numbers: Any, params: Any, x: Array, y: Array) -> Array:
    flat, product = _product(model, loss, numbers, params, x, y)
    columns: Array = jax.lax.map(product, jnp.eye(flat.size, dtype=flat.dtype), batch_size=_COLUMNS)
    return columns


@functools.partial(jax.jit, static_argnums=(0, 1), static_argnames=("steps",))
def _solved(
    model: Any, loss: Any, numbers: Any, params: Any, x: Array, y: Array, damping: Array, right: Array, *, steps: int
) -> Array:
    _, product = _product(model, loss, numbers, params, x, y)
    damped = lambda vector: product(vector) + damping * vector  # noqa: E731
    solve = lambda side: jax.scipy.sparse.linalg.cg(damped, side, tol=0.0, atol=0.0, maxiter=steps)[0]  # noqa: E731
    solved: Array = jax.lax.map(solve, right, batch_size=_COLUMNS)
    return solved
