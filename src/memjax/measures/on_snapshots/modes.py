"""Logits of pairs of residues as sums of Fourier modes of the result, and the losses of such logits."""

from __future__ import annotations

import numpy as np

from memjax.measures.arrays.fourier import fourier_basis

__all__ = ["by_result", "fewest", "mean_cross_entropy", "modes"]


def by_result(logits: np.ndarray, sign: int) -> np.ndarray:
    """Mean ``[p, C]`` of logits ``[p, p, C]`` over the pairs of one result a + b or a - b.

    This mean is the projection on all functions of the result: the constant and every cos and sin(w_k (a + b)).
    """
    p = len(logits)
    a = np.arange(p)
    return np.stack([logits[a, sign * (s - a) % p].mean(0) for s in range(p)])


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


def mean_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy of logits ``[N, C]``, accurate also if the cross-entropy is tiny."""
    label = logits[np.arange(len(labels)), labels]
    most = logits.max(-1)
    exps = np.exp(logits - most[:, None])
    exps[np.arange(len(labels)), labels] = 0
    return float(np.mean(most - label + np.log1p(exps.sum(-1) + np.expm1(label - most))))
