"""Exact learning coefficients of deep linear networks, the ground truth of estimators on singular models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["deep_linear_rlct"]


def deep_linear_rlct(widths: Sequence[int], rank: int) -> float:
    """Real log canonical threshold of a deep linear network whose true map has a given rank.

    Parameters
    ----------
    widths
        Widths (in, hidden ..., out) of a product of L >= 1 matrices without biases, each at least 1.
    rank
        Rank r of the true product, from 0 to the smallest width.

    Returns
    -------
    float
        The learning coefficient lambda of the square loss: half the number of parameters if there is no hidden layer, and at
        most half the number otherwise.

    Raises
    ------
    ValueError
        If a width or the rank is not whole or out of range, or there are fewer than two widths.

    Notes
    -----
    With M_s = width_s - r, take the largest k for which the k smallest M sum to at least k - 1 times the k-th. With l =
    k - 1, S their sum, m = ceil(S / l) and a = S - (m - 1) l,

        lambda = (r (in + out) - r^2) / 2 + a (l - a) / (4 l) - (l - 1) S^2 / (4 l) + sum_{i < j} M_i M_j / 2,

    the last sum over those k (M. Aoyagi, "Consideration on the learning efficiency of multiple-layered neural networks
    with linear units", Neural Networks 172, 2024, theorem 1). With one hidden layer this is the reduced-rank regression
    of M. Aoyagi and S. Watanabe, "Stochastic complexities of reduced rank regression in Bayesian estimation", Neural
    Networks 18, 2005. The formula holds for inputs with a covariance of full rank and a prior that is positive at the
    true parameters.

    Examples
    --------
    >>> deep_linear_rlct((3, 2, 3), 0), deep_linear_rlct((3, 2, 3), 1)
    (2.5, 3.5)
    >>> deep_linear_rlct((5, 3, 5), 1), deep_linear_rlct((1, 1, 1, 1), 0)
    (8.0, 0.5)
    """
    sizes = [_whole(width, "widths", 1) for width in widths]
    if len(sizes) < 2:
        raise ValueError(
            f"widths = {widths!r} holds fewer than two widths: give (in, hidden ..., out), such as (5, 3, 5)."
        )
    rank = _whole(rank, "rank", 0)
    if rank > min(sizes):
        raise ValueError(
            f"rank = {rank} exceeds the smallest of the widths {sizes}: give a rank from 0 to {min(sizes)}."
        )
    excess = sorted(size - rank for size in sizes)
    count = max(k for k in range(2, len(excess) + 1) if sum(excess[:k]) >= (k - 1) * excess[k - 1])
    used, depth = excess[:count], count - 1
    total = sum(used)
    remainder = total - (-(-total // depth) - 1) * depth
    pairs = (total**2 - sum(part**2 for part in used)) // 2
    # The arithmetic is in whole numbers up to the last division, so that halves and quarters are exact.
    singular = remainder * (depth - remainder) - (depth - 1) * total**2 + 2 * depth * pairs
    regular = 2 * depth * (rank * (sizes[0] + sizes[-1]) - rank**2)
    return (regular + singular) / (4 * depth)


def _whole(value: int, argument: str, least: int) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{argument} holds {value!r}: give whole numbers of at least {least}.")
    return int(value)
