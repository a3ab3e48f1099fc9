"""A linear map after which the directions that hidden activations span are orthonormal, found from Gram matrices alone.

One eigendecomposition of H^T H loses every singular value below about 1e-8 of the largest. So there are two passes. The first
one scales small directions up as far as they are certain. The second one forms the Gram matrix anew from the examples; there
the directions that the first one lost are large enough. This is the shifted Cholesky QR of T. Fukaya, R. Kannan, Y.
Nakatsukasa, Y. Yamamoto and Y. Yanagisawa, "Shifted Cholesky QR for computing the QR factorization of ill-conditioned
matrices", SIAM Journal on Scientific Computing 42 (2020), with eigendecompositions in place of Cholesky factors: an
eigendecomposition tells the rank, and does not fail on a singular matrix. The shift is the cut of the rank: if the largest
singular value is 1, the first pass turns a singular value s into s / sqrt(rtol), and the second pass cuts off at sqrt(rtol).
Each pass reads the examples in chunks, so that no second copy of the examples is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["by_groups", "chunks", "gram_matrix", "namespace", "smallest_rtol", "whiten"]

# Size, in float64, of a chunk of examples and of a group of batch entries that go through each step together.
_CHUNK_BYTES = 32 * 2**20
_CHUNK_ROWS = 1024
_EPS = float(np.finfo(np.float64).eps)


def namespace(h: Any) -> Any:
    """Return ``jax.numpy`` for an array on an accelerator, and ``numpy``, which compiles nothing, for any other."""
    on_host = not isinstance(h, jax.Array) or all(device.platform == "cpu" for device in h.devices())
    return np if on_host else jnp


def smallest_rtol(width: int) -> float:
    """Smallest singular value, over the largest, that can be told from rounding, for a number of neurons."""
    return 16.0 * max(math.sqrt(width), 4.0) * _EPS


def whiten(h: Any, ridge: float, rtol: float) -> tuple[Any, Any, Any]:
    """Find W such that W^T (H^T H + ridge I) W is the identity; directions that are cut off have columns of zeros.

    Parameters
    ----------
    h
        Activations ``[..., N, m]``, an array of numpy, or of JAX with 64-bit numbers enabled.
    ridge
        At least 0. The result is that of H with sqrt(ridge) I below H.
    rtol
        With columns scaled to unit norm, singular values of at most ``rtol`` times the largest are cut off; not below
        `smallest_rtol`.

    Returns
    -------
    tuple
        W ``[..., m, m]``, the number of directions ``[...]``, and the number of columns of H that are not all zeros ``[...]``.
        All three are NaN for batch entries that are not finite or whose squares overflow.

    Examples
    --------
    >>> h = np.array([[3.0, 3.0, 0.0], [0.0, 0.0, 0.0], [4.0, 4.0, 0.0]])
    >>> w, rank, live = whiten(h, 0.0, 1e-6)
    >>> float(rank), float(live), np.square(h @ w).sum(-1).round(6)
    (1.0, 2.0, array([0.36, 0.  , 0.64]))
    """
    xp, gram = namespace(h), gram_matrix(h)
    finite, live = xp.isfinite(gram).all((-2, -1)), (_diagonal(xp, gram) > 0).sum(-1)
    w = _start(xp, gram + ridge * xp.eye(h.shape[-1]), finite, rtol)
    w, rank = _refine(xp, gram_matrix(h, w) + ridge * _squared(xp, w), w, rtol)
    nan = xp.nan
    return xp.where(finite[..., None, None], w, nan), xp.where(finite, rank, nan), xp.where(finite, live, nan)


def gram_matrix(h: Any, w: Any = None) -> Any:
    """Return the Gram matrix ``[..., m, m]`` of the columns of H, or of H W, in float64.

    Examples
    --------
    >>> gram_matrix(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[10., 14.],
           [14., 20.]])
    """
    xp = namespace(h)
    return sum(_squared(xp, rows if w is None else rows @ w) for rows in chunks(h))


def chunks(h: Any) -> Iterator[Any]:
    """Rows of all batch entries in float64, some at a time, in order."""
    xp, count = namespace(h), h.shape[-2]
    step = max(_CHUNK_BYTES * count // (8 * math.prod(h.shape)), 1)
    for start in range(0, count, step):
        # Rows that are float64 already are not copied.
        yield xp.asarray(h[..., start : start + step, :]).astype(np.float64, copy=False)


def by_groups(function: Callable[..., Any], h: Any, *others: Any) -> Any:
    """Call a function on as many batch entries at a time as a chunk of examples has room for.

    Parameters
    ----------
    function
        From arrays of some batch entries to a tree of host arrays with the same leading axes.
    h
        Activations ``[..., N, m]``.
    others
        Arrays with the same leading axes as ``h``.

    Returns
    -------
    Any
        The tree for all batch entries.
    """
    *batch, count, width = h.shape
    entry = 8 * width * max(width, min(count, _CHUNK_ROWS))
    if not batch or math.prod(batch) * entry <= _CHUNK_BYTES:
        return function(h, *others)
    step = _CHUNK_BYTES // (entry * math.prod(batch[1:]))
    if step:
        groups = [slice(start, start + step) for start in range(0, batch[0], step)]
        parts = [function(h[group], *(other[group] for other in others)) for group in groups]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    parts = [by_groups(function, h[k], *(other[k] for other in others)) for k in range(batch[0])]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *parts)


def _start(xp: Any, gram: Any, finite: Any, rtol: float) -> Any:
    """First W, which makes squared singular values 1; those below ``rtol`` times the largest become less than 1."""
    norms = xp.where(finite[..., None], xp.sqrt(_diagonal(xp, gram)), 0.0)
    inverse = _inverse(xp, norms)
    values, vectors = _eigh(xp, gram * inverse[..., :, None] * inverse[..., None, :])
    scale = _inverse(xp, xp.sqrt(xp.maximum(values, rtol * values[..., -1:])))
    return inverse[..., :, None] * vectors * scale[..., None, :]


def _refine(xp: Any, gram: Any, w: Any, rtol: float) -> tuple[Any, Any]:
    """Second W, from the Gram matrix under the first W; squared singular values up to rtol are cut off.

    A squared singular value of rtol here was a singular value of rtol in H. The first W scaled all directions near the cut
    alike, so the cut is free of the rounding of the first decomposition. The error of the left singular vectors near the cut
    is at most of the order of 2^-52 / rtol, as much as rounding the activations would cause.
    """
    values, vectors = _eigh(xp, gram)
    keep = values > rtol
    scale = _inverse(xp, xp.sqrt(xp.where(keep, values, 0.0)))
    return w @ (vectors * scale[..., None, :]), keep.sum(-1)


def _eigh(xp: Any, matrix: Any) -> tuple[Any, Any]:
    """Eigenvalues, in order, and eigenvectors; a matrix that is not finite, which LAPACK refuses, is replaced by zeros."""
    finite = xp.isfinite(matrix).all((-2, -1))[..., None, None]
    return xp.linalg.eigh(xp.where(finite, matrix, 0.0))


def _inverse(xp: Any, values: Any) -> Any:
    """Reciprocals of positive numbers, and 0 for any other number."""
    return xp.where(values > 0, 1.0 / xp.where(values > 0, values, 1.0), 0.0)


def _squared(xp: Any, a: Any) -> Any:
    return xp.swapaxes(a, -1, -2) @ a


def _diagonal(xp: Any, matrix: Any) -> Any:
    return xp.diagonal(matrix, axis1=-2, axis2=-1)
