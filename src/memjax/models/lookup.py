"""Look-ups in a table by token, whose gradient adds in the same order every time.

JAX's derivative of a look-up is a scatter, which adds by atomics on a GPU: in another order, and to other bits, from call to
call. The look-up and the sum over the look-ups of each token are primitives here, each the transpose of the other, to any
order. On a CPU the sum is JAX's scatter, which goes through the tokens in turn; elsewhere it is a matrix product.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from memjax.types import Array

__all__ = ["rows"]


def rows(table: Array, tokens: Array) -> Array:
    """Rows of a table ``[V, ...]`` by token; NaN for a token outside the table, so that the run is marked as diverged.

    Examples
    --------
    >>> rows(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1, 1, 2])).tolist()
    [[3.0, 4.0], [3.0, 4.0], [nan, nan]]
    """
    return _ROWS.bind(table, tokens, lead=0)


def _take(table: Array, tokens: Array, *, lead: int) -> Array:
    """``[L, V, E]`` and ``[L, S]`` to ``[L, S, E]``, where L, S and E stand for any number of axes."""
    one = lambda table, tokens: table.at[tokens].get(  # noqa: E731
        mode="fill", fill_value=jnp.nan, wrap_negative_indices=False
    )
    return _mapped(one, lead)(table, tokens)


def _scatter(values: Array, tokens: Array, *, lead: int, size: int) -> Array:
    """``[L, S, E]`` and ``[L, S]`` to ``[L, V, E]``, in the order of the tokens."""

    def one(values: Array, tokens: Array) -> Array:
        zeros = jnp.zeros((size, *values.shape[tokens.ndim :]), values.dtype)
        return zeros.at[tokens].add(values, mode="drop", wrap_negative_indices=False)

    return _mapped(one, lead)(values, tokens)


def _product(values: Array, tokens: Array, *, lead: int, size: int) -> Array:
    """The same as a product with zeros and ones, in full precision; one value that is not finite reaches all tokens."""
    tail, before = values.shape[tokens.ndim :], tokens.shape[:lead]
    flat, count = tokens.reshape(*before, -1), math.prod(tokens.shape[lead:])
    ones = (flat[..., None] == jnp.arange(size, dtype=tokens.dtype)).astype(values.dtype)
    wide = values.reshape(*before, count, math.prod(tail))
    axes = tuple(range(lead))
    sums = jax.lax.dot_general(ones, wide, (((lead,), (lead,)), (axes, axes)), precision=jax.lax.Precision.HIGHEST)
    return sums.reshape(*before, size, *tail)


def _mapped(function: Callable[..., Array], lead: int) -> Callable[..., Array]:
    for _ in range(lead):
        function = jax.vmap(function)
    return function


def _primitive(name: str, function: Callable[..., Array]) -> Primitive:
    primitive = Primitive(name)
    primitive.def_impl(lambda *operands, **sizes: _jitted(primitive, tuple(sizes.items()))(*operands))
    primitive.def_abstract_eval(
        lambda *operands, **sizes: jax.core.ShapedArray(
            jax.eval_shape(functools.partial(function, **sizes), *operands).shape, operands[0].dtype
        )
    )
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))
    return primitive


@functools.lru_cache(maxsize=64)
def _jitted(primitive: Primitive, sizes: tuple[tuple[str, int], ...]) -> Callable[..., Array]:
    return jax.jit(functools.partial(primitive.bind, **dict(sizes)))


def _batch_rows(operands: Sequence[Array], axes: Sequence[int | None], *, lead: int) -> tuple[Array, int]:
    """Batching rule. A batch of the table alone joins the axes of a row, and one of the tokens alone their axes."""
    (table, tokens), (of_table, of_tokens) = operands, axes
    if of_table is not None and of_tokens is not None:
        return _ROWS.bind(jnp.moveaxis(table, of_table, 0), jnp.moveaxis(tokens, of_tokens, 0), lead=lead + 1), 0
    if of_table is not None:
        return _ROWS.bind(jnp.moveaxis(table, of_table, lead + 1), tokens, lead=lead), tokens.ndim
    assert of_tokens is not None, "vmap batches at least one operand"
    return _ROWS.bind(table, jnp.moveaxis(tokens, of_tokens, lead), lead=lead), lead


def _batch_sums(operands: Sequence[Array], axes: Sequence[int | None], *, lead: int, size: int) -> tuple[Array, int]:
    """Batching rule. A batch of the values alone joins the axes of a row."""
    (values, tokens), (of_values, of_tokens) = operands, axes
    if of_tokens is None:
        assert of_values is not None, "vmap batches at least one operand"
        return _SUMS.bind(jnp.moveaxis(values, of_values, tokens.ndim), tokens, lead=lead, size=size), lead + 1
    tokens = jnp.moveaxis(tokens, of_tokens, 0)
    each = jnp.broadcast_to(values, (len(tokens), *values.shape))
    if of_values is not None:
        each = jnp.moveaxis(values, of_values, 0)
    return _SUMS.bind(each, tokens, lead=lead + 1, size=size), 0


_ROWS = _primitive("memjax_rows", _take)
_SUMS = _primitive("memjax_row_sums", _product)
mlir.register_lowering(_SUMS, mlir.lower_fun(_scatter, multiple_results=False), platform="cpu")
batching.primitive_batchers[_ROWS] = _batch_rows
batching.primitive_batchers[_SUMS] = _batch_sums
ad.defjvp(_ROWS, lambda change, table, tokens, **sizes: _ROWS.bind(change, tokens, **sizes), None)
ad.defjvp(_SUMS, lambda change, values, tokens, **sizes: _SUMS.bind(change, tokens, **sizes), None)
ad.primitive_transposes[_ROWS] = lambda ct, table, tokens, *, lead: (
    _SUMS.bind(ct, tokens, lead=lead, size=table.aval.shape[lead]),
    None,
)
ad.primitive_transposes[_SUMS] = lambda ct, values, tokens, *, lead, size: (_ROWS.bind(ct, tokens, lead=lead), None)
