"""Dense layers on feature-major activations, ``[features, examples]``, for which XLA's CPU products are fastest.

With one example per row, the gradient of a kernel contracts the rows of both operands. XLA computes this product by a slow
routine and then transposes it. With one example per column, all three products of a layer (forward, gradient of the input,
gradient of the kernel) contract the last axis of the first operand, and the vectorised axis is the only long one, the axis
of examples. JAX's derivatives of `dot_general` have other forms, so the three products are primitives here. The derivative
of each primitive is one of the other two, to any order, in forward and reverse mode.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from memjax.jax_settings import float_dtype
from memjax.types import Array

__all__ = ["dense", "flat_inputs", "flat_struct"]


def dense(kernel: Array, inputs: Array) -> Array:
    """Apply a kernel to examples in columns: ``kernel.T @ inputs``, fast in forward and reverse mode.

    Parameters
    ----------
    kernel
        ``[I, O]``, as in Flax.
    inputs
        ``[I, B]``, one example per column.

    Returns
    -------
    Array
        ``[O, B]``.

    Examples
    --------
    >>> dense(jnp.ones((3, 2)), jnp.ones((3, 4))).shape
    (2, 4)
    """
    dtype = jnp.promote_types(kernel.dtype, inputs.dtype)
    return _FORWARD.bind(kernel.astype(dtype), inputs.astype(dtype))


def flat_inputs(x: Array) -> Array:
    """Inputs ``x[B, ...]`` as floating-point rows ``[B, D]``.

    Examples
    --------
    >>> flat_inputs(jnp.zeros((4, 8, 8))).shape
    (4, 64)
    """
    # Convert a NumPy array first, so that JAX does not warn about its 64-bit dtype.
    x = jnp.asarray(x).reshape(x.shape[0], -1)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float_dtype())


def flat_struct(x: Any) -> jax.ShapeDtypeStruct:
    """Shape struct of `flat_inputs`, from the shape and dtype of ``x[B, ...]`` alone.

    Examples
    --------
    >>> flat_struct(jnp.zeros((4, 8, 8))).shape
    (4, 64)
    """
    dtype = jax.dtypes.canonicalize_dtype(x.dtype)
    kept = dtype if jnp.issubdtype(dtype, jnp.floating) else float_dtype()
    return jax.ShapeDtypeStruct((x.shape[0], math.prod(x.shape[1:])), kept)


def _product(a: Array, b: Array, contract: tuple[int, int]) -> Array:
    """Contract one of the last two axes of each operand; the axes before them are batch axes."""
    lead = a.ndim - 2
    batch = tuple(range(lead))
    return jax.lax.dot_general(a, b, (((lead + contract[0],), (lead + contract[1],)), (batch, batch)))


def _on_cpu(a: Array, b: Array, contract: tuple[int, int]) -> Array:
    """The same product with the first operand's contracted axis last; barriers keep XLA from undoing the transpose."""
    if contract[0] == 0:
        a = jnp.swapaxes(a, -1, -2)
    # One barrier per operand, so that XLA can move the transposed kernel out of the loop over tiles.
    return _product(jax.lax.optimization_barrier(a), jax.lax.optimization_barrier(b), (1, contract[1]))


def _primitive(name: str, contract: tuple[int, int]) -> Primitive:
    """A primitive for matrix products that contracts one axis of each operand; either operand may have batch axes."""
    primitive = Primitive(f"memjax_{name}")
    product: Callable[..., Any] = functools.partial(_product, contract=contract)
    primitive.def_impl(jax.jit(lambda a, b: primitive.bind(a, b)))

    def abstract(a: Any, b: Any) -> Any:
        shape = (*a.shape[:-2], a.shape[-1 - contract[0]], b.shape[-1 - contract[1]])
        return jax.core.ShapedArray(shape, a.dtype)

    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, mlir.lower_fun(product, multiple_results=False))
    on_cpu = functools.partial(_on_cpu, contract=contract)
    mlir.register_lowering(primitive, mlir.lower_fun(on_cpu, multiple_results=False), platform="cpu")
    batching.primitive_batchers[primitive] = functools.partial(_batched, primitive, contract)
    return primitive


def _batched(
    primitive: Primitive, contract: tuple[int, int], operands: Sequence[Array], axes: Sequence[int | None]
) -> tuple[Array, int]:
    """Batching rule. If only one operand has a batch, fold it into the free axis, so that the other is not copied."""
    a, b = operands
    a_axis, b_axis = axes
    if a_axis is not None and b_axis is not None:
        return primitive.bind(jnp.moveaxis(a, a_axis, 0), jnp.moveaxis(b, b_axis, 0)), 0
    if a_axis is not None:
        size, out = a.shape[a_axis], primitive.bind(_folded(a, a_axis, 1 - contract[0]), b)
        return out.reshape(*out.shape[:-2], size, -1, out.shape[-1]), out.ndim - 2
    assert b_axis is not None, "vmap batches at least one operand"
    size, out = b.shape[b_axis], primitive.bind(a, _folded(b, b_axis, 1 - contract[1]))
    return out.reshape(*out.shape[:-1], size, -1), out.ndim - 1


def _folded(operand: Array, axis: int, free: int) -> Array:
    """Merge an axis into the free axis of the last two axes, as the slower index."""
    moved = jnp.moveaxis(operand, axis, -2 if free == 1 else -3)
    shape = list(moved.shape)
    at = len(shape) - 2 + free
    return moved.reshape(*shape[: at - 1], shape[at - 1] * shape[at], *shape[at + 1 :])


# Axes: I inputs, O outputs, B examples.
_FORWARD = _primitive("dense", (0, 0))  # kernel [I, O], inputs [I, B] -> [O, B]
_INPUT = _primitive("dense_input", (1, 0))  # kernel [I, O], cotangent [O, B] -> [I, B]
_KERNEL = _primitive("dense_kernel", (1, 1))  # inputs [I, B], cotangent [O, B] -> [I, O]
ad.defbilinear(_FORWARD, lambda ct, w, h: _KERNEL.bind(h, ct), lambda ct, w, h: _INPUT.bind(w, ct))
ad.defbilinear(_INPUT, lambda ct, w, g: _KERNEL.bind(ct, g), lambda ct, w, g: _FORWARD.bind(w, ct))
ad.defbilinear(_KERNEL, lambda ct, h, g: _INPUT.bind(ct, g), lambda ct, h, g: _FORWARD.bind(ct, h))
