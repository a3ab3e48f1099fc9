"""The largest eigenvalue of a symmetric tridiagonal matrix T, by bisection.

As many eigenvalues lie below x as T - x I has negative pivots, by Sylvester's law of inertia (W. Barth, R. S. Martin and J. H.
Wilkinson, "Calculation of the eigenvalues of a symmetric tridiagonal matrix by the method of bisection", Numerische Mathematik
9, 1967). This is `jax.scipy.linalg.eigh_tridiagonal` for one eigenvalue, operation by operation, but the loop over the pivots
is not unrolled: the unrolled loop took a third of the time in which a sharpness was compiled.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from memjax.types import Array

__all__ = ["largest_of_tridiagonal"]

# The first interval is Gershgorin's, wider by this many times its rounding.
_WIDER = 2.1


class _Matrix(NamedTuple):
    """Diagonal ``[n]``, squares ``[n - 1]`` of the entries beside it, smallest pivot, and what replaces a first pivot of 0."""

    diagonal: Array
    squares: Array
    smallest: Array
    first: Array


def largest_of_tridiagonal(diagonal: Array, beside: Array) -> Array:
    """Largest eigenvalue of a symmetric tridiagonal matrix.

    Parameters
    ----------
    diagonal, beside
        ``[n]`` and ``[n - 1]`` of one dtype, float32 or float64, n of at least 2; finite, and with squares in the range of it.

    Returns
    -------
    Array
        A number of that dtype, exact to about its epsilon times the norm of the matrix.

    Examples
    --------
    >>> f"{largest_of_tridiagonal(jnp.array([2.0, 2.0, 2.0]), jnp.array([1.0, 1.0])):.4f}"  # 2 + sqrt(2)
    '3.4142'
    """
    info, sizes, count = jnp.finfo(diagonal.dtype), jnp.abs(beside), diagonal.size
    radii = jnp.concatenate([sizes[:1], sizes[:-1] + sizes[1:], sizes[-1:]])
    most, least = jnp.max(diagonal + radii), jnp.min(diagonal - radii)
    norm = jnp.maximum(jnp.abs(least), jnp.abs(most))
    squares = jnp.square(beside)
    smallest = jnp.asarray((1 + info.eps) * info.tiny, diagonal.dtype) * jnp.maximum(1, jnp.max(squares))
    matrix = _Matrix(diagonal, squares, smallest, jnp.square(info.eps * sizes[0]))
    slack = jnp.array(count, diagonal.dtype) * _WIDER * info.eps * norm
    lower, upper = least - slack - 2 * _WIDER * smallest, most + slack + _WIDER * smallest

    def unfinished(state: tuple[Array, Array, Array, Array]) -> Array:
        # As many halvings as the mantissa has bits, and one, in the worst case.
        return (state[0] < info.nmant + 1) & (info.eps * norm < state[3] - state[1])

    def halve(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        step, lower, middle, upper = state
        above = _below(matrix, middle) < count
        lower, upper = jnp.where(above, middle, lower), jnp.where(above, upper, middle)
        return step + 1, lower, 0.5 * (lower + upper), upper

    return jax.lax.while_loop(unfinished, halve, (jnp.int32(0), lower, 0.5 * (upper + lower), upper))[2]


def _below(matrix: _Matrix, x: Array) -> Array:
    """Number of eigenvalues below x."""
    diagonal, squares, smallest, first = matrix
    pivot = diagonal[0] - x
    count = jnp.where(pivot < 0, 1, 0)

    def advance(i: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        pivot, count = state
        pivot = diagonal[i] - squares[i - 1] / pivot - x
        negative = pivot <= smallest
        return jnp.where(negative, jnp.minimum(pivot, -smallest), pivot), jnp.where(negative, count + 1, count)

    pivot = jnp.where(diagonal[0] == x, first, pivot)
    return jax.lax.fori_loop(1, diagonal.size, advance, (pivot, count))[1]
