"""Fourier analysis over residues: basis, power per frequency, and how concentrated a spectrum is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memjax.analysis.base.gini import gini_of_rows
from memjax.checks.values import whole
from memjax.errors import InputError

__all__ = ["fourier_basis", "fourier_power", "gini", "inverse_participation_ratio"]


def fourier_basis(p: int) -> np.ndarray:
    """Orthonormal real Fourier basis of functions of a residue modulo p (Nanda et al. 2023, "Progress measures for grokking").

    Parameters
    ----------
    p
        Modulus, at least 2, odd or even.

    Returns
    -------
    np.ndarray
        ``float64[p, p]``, a basis function per row: the constant, then cosine and sine of 2 pi k x / p for k = 1, 2, ...
        If p is even, the last row is the cosine of k = p / 2; the sine of that k is zero everywhere.

    Raises
    ------
    InputError
        If p is no whole number of at least 2.

    Examples
    --------
    >>> fourier_basis(4).round(3).tolist()
    [[0.5, 0.5, 0.5, 0.5], [0.707, 0.0, -0.707, -0.0], [0.0, 0.707, 0.0, -0.707], [0.5, -0.5, 0.5, -0.5]]
    """
    p = whole("p", p, 2)
    k = _frequencies(p)[:, None]
    # Whole turns are taken out in integer arithmetic before the sine, so the result is accurate for any p.
    angle = 2 * np.pi * (k * np.arange(p) % p) / p
    sine = np.arange(p)[:, None] % 2 == 0
    rows = np.where(sine & (k > 0), np.sin(angle), np.cos(angle))
    return rows * np.sqrt(np.where((k == 0) | (2 * k == p), 1, 2) / p)


def _frequencies(p: int) -> np.ndarray:
    """Frequency of each row of the basis: 0, 1, 1, 2, 2, ..."""
    return (np.arange(p) + 1) // 2


def fourier_power(weights: npt.ArrayLike) -> np.ndarray:
    """Power of weights per frequency: squared coefficients, summed over cosine and sine and over all trailing axes.

    Parameters
    ----------
    weights
        ``[p, ...]``: functions of a residue along the first axis, such as an embedding.

    Returns
    -------
    np.ndarray
        ``float64[p // 2 + 1]`` by frequency from 0; sums to the sum of squares of the weights (Parseval).

    Raises
    ------
    InputError
        If there are fewer than 2 residues.

    Examples
    --------
    >>> fourier_power(np.cos(2 * np.pi * 3 * np.arange(10) / 10)).round(9).tolist()
    [0.0, 0.0, 0.0, 5.0, 0.0, 0.0]
    """
    array = np.asarray(weights, np.float64)
    if array.ndim < 1 or len(array) < 2:
        raise InputError(f"The weights have shape {list(array.shape)}: give an array [p, ...] with p of at least 2.")
    p = len(array)
    squares = np.square(fourier_basis(p) @ array.reshape(p, -1)).sum(1)
    return np.bincount(_frequencies(p), squares)


def gini(values: npt.ArrayLike, axis: int = -1) -> np.ndarray:
    """Gini coefficient: half the mean absolute difference of pairs, in units of the mean.

    Parameters
    ----------
    values
        Numbers of at least 0.
    axis
        Axis of the n numbers that are compared.

    Returns
    -------
    np.ndarray
        ``float64``, without that axis: 0 where all numbers are equal, 1 - 1/n where one number holds everything, NaN where
        all numbers are zero.

    Raises
    ------
    InputError
        If a value is negative, or there are none.

    Examples
    --------
    >>> float(gini([0, 0, 0, 1])), float(gini([1, 1, 1, 1]))
    (0.75, 0.0)
    """
    array = _last_axis("values", values, axis)
    if (array < 0).any():
        raise InputError(f"values holds {array[array < 0][0]}: a Gini coefficient is of numbers of at least 0.")
    return np.where(np.isfinite(array).all(-1), gini_of_rows(array), np.nan)


def inverse_participation_ratio(values: npt.ArrayLike, axis: int = -1) -> np.ndarray:
    """Inverse participation ratio, ``sum |x|^4 / (sum |x|^2)^2``, for example of Fourier coefficients (Gromov 2023).

    Parameters
    ----------
    values
        Real or complex coefficients.
    axis
        Axis of the n coefficients.

    Returns
    -------
    np.ndarray
        ``float64``, without that axis: 1 where one coefficient alone is not zero, 1/n where all coefficients have the same
        size, NaN where all are zero.
        The discrete Fourier transform of one cosine has two coefficients, so its ratio is 1/2.

    Raises
    ------
    InputError
        If there are no coefficients.

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * 3 * np.arange(10) / 10)
    >>> float(inverse_participation_ratio(np.fft.fft(wave)).round(9)), float(inverse_participation_ratio([1, -1, 1j, 1]))
    (0.5, 0.25)
    """
    power = np.square(np.abs(_last_axis("values", values, axis)))
    return _ratio(np.square(power).sum(-1), np.square(power.sum(-1)))


def _last_axis(name: str, values: npt.ArrayLike, axis: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim == 0 or not -array.ndim <= axis < array.ndim or array.shape[axis] == 0:
        raise InputError(f"{name} has shape {list(array.shape)}: give an array with numbers along axis {axis}.")
    array = np.moveaxis(array, axis, -1)
    return array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Quotient, NaN where the whole is zero."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
