"""Products with the Hessian of the train loss, and the largest eigenvalue of a symmetric map from products alone.

The product is forward-over-reverse differentiation (B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural
Computation 6, 1994). The eigenvalue comes from the Lanczos process (G. H. Golub and C. F. Van Loan, "Matrix Computations",
4th edition, 2013, chapter 10). Every vector is made orthogonal to all earlier ones: otherwise Lanczos finds the same
eigenvalue again and again, and breaks down without a sign.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from memjax.examples import Examples
from memjax.measures.recorded.gradient import tile_gradient
from memjax.measures.recorded.tridiagonal import largest_of_tridiagonal
from memjax.parameter_trees import normal_numbers, unit
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["hessian_product", "top_eigenvalue"]


def hessian_product(params: Params, apply: Apply, examples: Examples, loss: LossFn) -> Callable[[Params], Params]:
    """Function that multiplies a tree like the parameters by the Hessian of the mean loss, tile by tile.

    Parameters
    ----------
    params
        Parameters at which the Hessian is taken.
    apply, loss
        Model and loss; both must be differentiable twice.
    examples
        Examples that the mean is over.

    Returns
    -------
    Callable
        From a tree with the structure and shapes of ``params`` to such a tree. One call costs about 2.5 gradients.

    Examples
    --------
    >>> x, y = jnp.array([[[1.0], [2.0]]]), jnp.zeros((1, 2, 1))
    >>> square = lambda outputs, targets: (outputs - targets)[:, 0] ** 2
    >>> product = hessian_product(jnp.array(3.0), lambda w, x: x * w, Examples(x, y, None, 0, 2, 1), square)
    >>> float(product(jnp.array(1.0)))  # 2 * (1 + 4) / 2
    5.0
    """
    gradient = tile_gradient(apply, loss)

    def product(vector: Params) -> Params:
        total = examples.sum(lambda tile: jax.jvp(lambda at: gradient(at, tile), (params,), (vector,))[1])
        return jax.tree.map(lambda leaf: leaf / jnp.asarray(examples.size, leaf.dtype), total)

    return product


def top_eigenvalue(product: Callable[[Any], Any], like: Any, iterations: int, live: Any = None) -> Array:
    """Largest algebraic eigenvalue of a symmetric linear map, by Lanczos from a fixed start vector.

    The value approaches the eigenvalue from below. If ``iterations`` reaches the number of different eigenvalues, the value is
    exact up to rounding. ``iterations`` vectors are in memory at a time.

    Parameters
    ----------
    product
        The map, from a tree like ``like`` to such a tree.
    like
        A flat vector ``[P]``, or any tree of P floating-point numbers; only its shapes and dtypes matter.
    iterations
        Number of products; at most P are taken.
    live
        Places in the structure of ``like``, from 1 and zero where the map is zero; None for all of ``like``. The start
        vector is the one of a vector of only the entries with a place, in the order of their places.

    Returns
    -------
    Array
        A number of the dtype of ``like``, float32 at least; NaN if a product is not finite.

    Examples
    --------
    >>> diagonal = jnp.array([-9.0, 1.0, 2.0])
    >>> f"{top_eigenvalue(lambda vector: diagonal * vector, diagonal, iterations=10):.4f}"
    '2.0000'
    """
    flat, restore = ravel_pytree(like)
    if flat.size == 0:
        return jnp.zeros((), flat.dtype)
    # Numbers of 16 bits are too few for vectors to be orthogonal.
    dtype = jnp.promote_types(flat.dtype, jnp.float32)

    def wide(vector: Array) -> Array:
        return ravel_pytree(product(restore(vector.astype(flat.dtype))))[0].astype(dtype)

    # Every run starts Lanczos from the same vector, so the value depends on parameters and examples alone.
    key = jax.random.key(0, impl="threefry2x32")
    start = unit(normal_numbers(key, flat.shape[0], dtype, None if live is None else ravel_pytree(live)[0]))[0]
    return _largest(*_lanczos(wide, start, iterations))


def _lanczos(product: Callable[[Array], Array], start: Array, iterations: int) -> tuple[Array, Array]:
    """Diagonal and off-diagonal ``[K]`` each of the map on the Krylov space of ``start[P]``, K = min(iterations, P).

    If the map keeps a smaller space, the process ends early, and the off-diagonal is 0 from there on.
    """
    size = min(iterations, start.size)

    def advance(k: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        basis, diagonal, beside = state
        image = product(basis[k])
        direction, length = unit(_rest(basis, image))
        # A vector inside the space leaves only rounding, which has no direction. NaN is kept.
        ended = length <= jnp.finfo(image.dtype).eps * unit(image)[1]
        basis = basis.at[k + 1].set(jnp.where(ended, 0, direction), mode="drop")
        return basis, diagonal.at[k].set(_dot(basis[k], image)), beside.at[k].set(jnp.where(ended, 0, length))

    zeros = jnp.zeros(size, start.dtype)
    basis = jnp.zeros((size, start.size), start.dtype).at[0].set(start)
    return jax.lax.fori_loop(0, size, advance, (basis, zeros, zeros))[1:]


def _rest(basis: Array, vector: Array) -> Array:
    """A vector less its parts along the rows of the basis."""
    # One subtraction leaves rounding errors. Two are enough unless almost nothing is left; then errors grow from row to row.
    return jax.lax.fori_loop(0, 3, lambda _, rest: rest - _dot(_dot(basis, rest), basis), vector)


def _dot(a: Array, b: Array) -> Array:
    """Product in full precision; accelerators round the factors of a plain product to fewer bits."""
    return jnp.dot(a, b, precision=jax.lax.Precision.HIGHEST)


def _largest(diagonal: Array, beside: Array) -> Array:
    """Largest eigenvalue of the tridiagonal matrix, without the rows after its end."""
    inside = jnp.concatenate([jnp.ones(1, bool), beside[:-1] != 0])
    # Zeros on the diagonal would be eigenvalues, larger than negative ones. The first entry is harmless there: the largest
    # eigenvalue is never below it.
    diagonal, last = jnp.where(inside, diagonal, diagonal[0]), diagonal.size - 1
    finite = jnp.isfinite(diagonal).all() & jnp.isfinite(beside).all()
    if last == 0:
        return diagonal[0]
    # The bisection of JAX squares entries, hence the scale. LAPACK would wait, in each lane, for threads that the lanes
    # occupy.
    scale = jnp.maximum(jnp.abs(diagonal).max(), jnp.abs(beside).max())
    rows = (jnp.where(finite, part / jnp.where(scale == 0, 1, scale), 0) for part in (diagonal, beside[:-1]))
    found = largest_of_tridiagonal(*rows)
    return jnp.where(finite, found * scale, jnp.nan)
