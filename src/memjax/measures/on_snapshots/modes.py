"""Logits of pairs of residues as sums of Fourier modes of the result, and the losses of such logits."""

from __future__ import annotations

import numpy as np

from memjax.measures.arrays.fourier import fourier_basis

__all__ = ["by_result", "fewest", "losses_without", "mean_cross_entropy", "modes"]

# The product of two exponentials is a number of float64 without loss of digits if the exponents are within this of 0.
_WIDEST = 600.0


def by_result(logits: np.ndarray, sign: int) -> np.ndarray:
    """Mean ``[p, C]`` of logits ``[p, p, C]`` over the pairs of one result a + b or a - b.

    This mean is the projection on all functions of the result: the constant and every cos and sin(w_k (a + b)).
    """
    p = len(logits)
    a = np.arange(p)
    return np.asarray(logits[a, sign * (a[:, None] - a) % p].mean(1))


def fewest(powers: np.ndarray, share: float) -> np.ndarray:
    """Mask of the fewest frequencies above 0 that together hold a share of the power of all frequencies above 0."""
    order = np.argsort(-powers[1:], kind="stable") + 1
    before = np.cumsum(powers[order]) - powers[order]
    mask = np.zeros(len(powers), bool)
    # A frequency is needed if the power of the stronger ones falls short of the share by more than rounding.
    mask[order] = before < share * powers[1:].sum() * (1 - 1e-12)
    return mask


def modes(means: np.ndarray) -> np.ndarray:
    """Components ``[frequency, p, C]`` of logits by result ``[p, C]``; the sum of the components is the logits."""
    p = len(means)
    basis = fourier_basis(p)
    coefficients = basis @ means
    rows = [[i for i in (2 * k - 1, 2 * k) if 0 <= i < p] for k in range(p // 2 + 1)]
    return np.stack([basis[of_k].T @ coefficients[of_k] for of_k in rows])


def mean_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean cross-entropy ``[...]`` of logits ``[..., N, C]``, accurate also if the cross-entropy is tiny."""
    rows = np.arange(len(labels))
    label, most = logits[..., rows, labels], logits.max(-1)
    exps = np.exp(logits - most[..., None])
    exps[..., rows, labels] = 0
    return np.asarray(np.mean(most - label + np.log1p(exps.sum(-1) + np.expm1(label - most)), -1))


def losses_without(logits: np.ndarray, parts: np.ndarray, results: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean cross-entropy ``[K]`` of logits without one part of them each.

    Parameters
    ----------
    logits
        ``[N, C]``.
    parts
        ``[K, p, C]``: parts of the logits by result.
    results, labels
        ``[N]``: row of every example in the parts, and its label.
    """
    if np.ptp(logits) + np.ptp(parts) > _WIDEST:
        return np.stack([mean_cross_entropy(logits - part[results], labels) for part in parts])
    # exp(a - b) is a product, so K N C exponentials become (N + K p) C of them, and a matrix product for every result.
    rows, most, least = np.arange(len(labels)), logits.max(-1), parts.min(-1)
    exps, factors = np.exp(logits - most[:, None]), np.exp(least[..., None] - parts)
    exps[rows, labels] = 0
    others = np.empty((len(labels), len(parts)))
    for result in range(parts.shape[1]):
        here = results == result
        others[here] = exps[here] @ factors[:, result].T
    label = logits[rows, labels][:, None] - parts[:, results, labels].T
    with np.errstate(divide="ignore"):
        gap = np.log(others) + most[:, None] - least[:, results].T - label
    return np.asarray(np.logaddexp(0, gap).mean(0))
