"""Data dimensionality: how far a data point has a direction to itself among hidden activations, in closed form.

D*_i = sup over v of (v . h_i)^2 / sum_j (v . h_j)^2, over all data: the maximal data dimensionality of C. Olah, in a comment
on T. Henighan et al., "Superposition, memorization, and double descent" (Transformer Circuits, 2023), and of M. Hobbhahn,
"More findings on maximal data dimension" (2023). A Rayleigh quotient whose numerator has rank one is largest at v = (H^T H)^+
h_i. So D*_i = h_i^T (H^T H)^+ h_i, the statistical leverage of row i, and nothing has to be maximised by gradients.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.errors import InputError
from memjax.measures.arrays.activations import activations, settings
from memjax.measures.arrays.whitening import by_groups, chunks, gram_matrix, namespace, whiten

__all__ = ["HiddenSpace", "data_dimensionality", "feature_dimensionality", "hidden_space", "maximal_direction"]


class HiddenSpace(NamedTuple):
    """The directions that hidden activations span, of all batch entries ``[...]``, on the host in float64.

    Attributes
    ----------
    whitening
        W ``[..., m, m]`` with W^T (H^T H + ridge I) W = I, except that directions which are cut off have columns of zeros.
        The squared length of row i of H W is the data dimensionality of example i.
    rank
        Number of independent directions ``[...]``: the rank of H. With a ridge, the rank of H with sqrt(ridge) I below H.
    live
        Number of neurons ``[...]`` that are not zero on every example. ``live - rank`` of these neurons are redundant.

    Examples
    --------
    Three neurons, of which the third repeats the first:

    >>> space = hidden_space([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [1.0, 1.0, 2.0]])
    >>> int(space.rank), int(space.live), space.whitening.shape
    (2, 3, (3, 3))
    """

    whitening: np.ndarray
    rank: np.ndarray
    live: np.ndarray


def hidden_space(h: Any, ridge: float = 0.0, rtol: float | None = None) -> HiddenSpace:
    """Find the directions that hidden activations span: their rank, and the map that makes them orthonormal.

    Parameters
    ----------
    h
        Activations ``[..., N, m]`` of N examples and m neurons; leading axes (runs, snapshots, layers) are batch axes.
        Floats, whole numbers or flags, in an array of NumPy, memory-mapped or of JAX. An array on an accelerator is worked
        on there. The activations are read in chunks of 32 MiB and never copied whole. All arithmetic is in float64, whatever
        JAX's setting.
    ridge
        Regularisation of H^T H + ridge I, in squared units of ``h``.
    rtol
        Cut of the rank: with columns scaled to unit norm, directions whose singular value is at most ``rtol`` times the
        largest do not count. Default: 32 times the machine epsilon of the dtype of ``h`` (4e-6 for float32), 1 times for
        types of 16 bits. The cut is never below 16 max(sqrt(m), 4) 2^-52, the smallest singular value that can be
        resolved, which is also the default for float64.

    Returns
    -------
    HiddenSpace
        Numbers in float64. Batch entries that hold NaN or infinity, as after divergence, or values above about 1e150, whose
        squares overflow, are NaN; the other batch entries are not affected. Values below about 1e-154 in size, whose squares
        underflow, count as zeros, so a neuron without larger values counts as dead.

    Raises
    ------
    InputError
        If ``h`` is not an array of real numbers with at least two axes and no empty one, ``ridge`` is negative, or
        ``rtol`` is not between what can be resolved and 0.5.

    Notes
    -----
    The default cut lies above the rounding of activations. Neurons that are dependent in exact arithmetic (duplicates
    summed in another order, sums of other neurons, linear layers through a bottleneck) had singular values of at most 1.2
    epsilon in float32 for N of 100 to 50,000 and m of 8 to 1024, of at most 4 epsilon with up to 10,000 inputs, and of up
    to 24 epsilon where inputs of mean 10 and spread 1 cancelled in the sums. The smallest singular value of live neurons
    in ReLU, tanh and SiLU networks, trained or not, was 2e-3 to 1e-1 with 9 and 64 inputs, and 4e-4 for ReLU of 2 inputs.
    Smooth activations of 2 inputs have singular values on both sides of any cut. NumPy's rule, max(N, m) epsilon, is 6e-3
    for 50,000 examples in float32, and would remove real directions. An accelerator that rounds the factors of float32
    products to fewer bits needs a larger ``rtol``. If a few rows are far larger than all others, 1e6 times in float32,
    neurons become nearly dependent and real directions fall below the cut: give a smaller ``rtol``, or normalise the rows.

    Examples
    --------
    >>> space = hidden_space([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [3.0, 6.0, 0.0]])
    >>> float(space.rank), float(space.live)
    (1.0, 2.0)
    """
    h = activations(h)
    ridge, rtol = settings(h, ridge, rtol)
    with _double():
        return by_groups(lambda part: HiddenSpace(*map(np.asarray, whiten(part, ridge, rtol))), h)


def data_dimensionality(
    h: Any, ridge: float = 0.0, *, rtol: float | None = None, space: HiddenSpace | None = None
) -> np.ndarray:
    """Maximal data dimensionality D* of every example: its leverage among hidden activations, exactly.

    Parameters
    ----------
    h
        Activations ``[..., N, m]``, as in `hidden_space`.
    ridge
        Regularisation. With a ridge the scores are h_i^T (H^T H + ridge I)^-1 h_i, and their sum is the effective degrees of
        freedom of ridge regression. A ridge of 0 gives D* itself.
    rtol
        Cut of the rank, as in `hidden_space`.
    space
        Result of `hidden_space` for the same ``h``, which saves that work; or for other examples of the same runs. A held-out
        example measured among train examples may exceed 1. The part of a held-out example outside of the directions of the
        train examples does not count.

    Returns
    -------
    numpy.ndarray
        float64 ``[..., N]``, numbers from 0 to 1 that sum to the rank: 1 for an example that has its direction to itself,
        1 / k each for k copies of such an example, 0 for a row of zeros. NaN for batch entries that are not finite. The error
        is about 1e-16 times the condition number of the columns scaled to unit norm, as with a QR decomposition.

    Raises
    ------
    InputError
        As `hidden_space`. Also if the shape of ``space`` does not fit ``h``, or a ridge or rtol is given beside ``space``.

    Notes
    -----
    D* does not change under any invertible mixing of the neurons, hence not with the scale of a neuron. For Gaussian
    activations D* is distributed as Beta(m / 2, (N - m) / 2), with mean m / N: see `memjax.analysis.leverage_null`.

    Examples
    --------
    >>> data_dimensionality([[2.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]).round(6)
    array([1. , 0.5, 0.5, 0. ])
    """
    h = activations(h)
    if space is None:
        ridge, rtol = settings(h, ridge, rtol)
        with _double():
            return by_groups(lambda part: _squared_norms(part, whiten(part, ridge, rtol)[0]), h)
    if ridge != 0.0 or rtol is not None:
        raise InputError(f"space comes with ridge = {ridge!r} and rtol = {rtol!r}: give those to hidden_space instead.")
    with _double():
        return by_groups(_squared_norms, h, _whitening(h, space))


def maximal_direction(h: Any, space: HiddenSpace) -> np.ndarray:
    """Direction in neuron space that attains the data dimensionality of each row.

    Parameters
    ----------
    h
        Rows ``[..., n, m]`` of the examples of interest. The result is as large as these rows in float64, so leave the other
        examples out.
    space
        Result of `hidden_space` for all examples of the same runs.

    Returns
    -------
    numpy.ndarray
        v float64 ``[..., n, m]``, scaled so that v . h_i is the row's data dimensionality D*_i, and so is
        sum_j (v . h_j)^2 (plus ridge ``|v|^2``). Zero for a row of zeros. If neurons are redundant, other directions attain the
        same value. The entries of dead neurons are zero.

    Raises
    ------
    InputError
        As `data_dimensionality`.

    Examples
    --------
    >>> h = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> maximal_direction(h[:2], hidden_space(h)).round(6)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    h = activations(h)
    w = _whitening(h, space)
    with _double():
        return by_groups(lambda rows, w: np.asarray(_wide(rows) @ w @ np.swapaxes(w, -1, -2)), h, w)


def feature_dimensionality(vectors: Any) -> np.ndarray:
    """Dimensionality D of every vector among all, along its own direction: ``|h_i|^2 / sum_j (h_i / |h_i| . h_j)^2``.

    For the columns of a weight matrix, given as rows, this is the feature dimensionality of N. Elhage et al., "Toy models of
    superposition" (Transformer Circuits Thread, 2022). For hidden activations it is the data dimensionality of T. Henighan et
    al. (2023). `data_dimensionality` maximises the same quotient over all directions, so D is never larger than D*.

    Parameters
    ----------
    vectors
        ``[..., N, m]``, as in `hidden_space`: N features or examples.

    Returns
    -------
    numpy.ndarray
        float64 ``[..., N]`` from 0 to 1; 0 for a vector of zeros, which has no direction. NaN for batch entries that
        are not finite.

    Raises
    ------
    InputError
        If ``vectors`` is not an array of real numbers with at least two axes and no empty one.

    Examples
    --------
    Three features at 120 degrees share two dimensions, one that is orthogonal to the others has its own.

    >>> feature_dimensionality([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]]).round(6)
    array([0.666667, 0.666667, 0.666667])
    """
    with _double():
        return by_groups(_along_themselves, activations(vectors))


def _squared_norms(h: Any, w: Any) -> np.ndarray:
    """Squared norms ``[..., N]`` of the rows of H W."""
    xp = namespace(h)
    mapped = (rows @ xp.asarray(w) for rows in chunks(h))
    return np.concatenate([np.asarray(xp.vecdot(rows, rows)) for rows in mapped], axis=-1)


def _along_themselves(h: Any) -> np.ndarray:
    xp, gram, found = namespace(h), gram_matrix(h), []
    gram = xp.where(xp.isfinite(gram).all((-2, -1))[..., None, None], gram, xp.nan)
    for rows in chunks(h):
        squares = xp.vecdot(rows, rows)
        unit = rows / xp.sqrt(xp.where(squares == 0, 1.0, squares))[..., None]
        total = xp.vecdot(unit @ gram, unit)
        found.append(np.asarray(squares / xp.where(total == 0, 1.0, total)))
    return np.concatenate(found, axis=-1)


@contextlib.contextmanager
def _double() -> Iterator[None]:
    """64-bit numbers for this block of this thread, and no warnings about batch entries that are not finite."""
    with jax.enable_x64(True), np.errstate(over="ignore", under="ignore", invalid="ignore"):
        yield


def _wide(h: Any) -> Any:
    return namespace(h).asarray(h).astype(np.float64)


def _whitening(h: Any, space: Any) -> np.ndarray:
    """The whitening map of a space, once its shape is checked against the activations."""
    if not isinstance(space, HiddenSpace):
        raise InputError(f"space is of type {type(space).__name__}: give what hidden_space returned.")
    expected = (*h.shape[:-2], h.shape[-1], h.shape[-1])
    if space.whitening.shape != expected:
        raise InputError(
            f"space has a map of shape {space.whitening.shape}, and activations of shape {h.shape} need {expected}: use "
            f"the space of the same runs and layer."
        )
    return space.whitening
