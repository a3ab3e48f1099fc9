"""Subsets that a seed draws: a share of the rows, or halves in pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memjax.checks.values import flag, keep_numbers
from memjax.errors import InputError
from memjax.random import generator

__all__ = ["BalancedHalves", "RandomShare"]


@dataclass(frozen=True)
class RandomShare:
    """A random share of the rows, without replacement (Feldman and Zhang 2020 train on 70% of the rows).

    Every run has exactly ``round(share * N)`` of N rows. Subsets of one seed are nested: a smaller share lies in a larger one.

    Parameters
    ----------
    share
        Share of the rows, above 0 and at most 1.
    stratified
        Whether every class has the same share of the subset as of the data, up to one row. The targets must be labels.

    Raises
    ------
    InputError
        If a field's value is not allowed, the share leaves no row, or ``stratified`` meets targets that are no labels.

    Examples
    --------
    >>> rows, labels = np.arange(10), np.array([0] * 6 + [1] * 4)
    >>> RandomShare(0.5, stratified=True).choose(rows, labels, seed=0)
    array([1, 4, 5, 7, 9])
    """

    share: float = 0.5
    stratified: bool = False

    def __post_init__(self) -> None:
        keep_numbers(self, ["share"], 0, 1)
        if self.share == 0:
            raise InputError("RandomShare.share is 0, which leaves no row to train on: give more, up to 1.")
        object.__setattr__(self, "stratified", flag("RandomShare.stratified", self.stratified))

    def size(self, num_rows: int, seed: int) -> int:
        """Number of rows in the subset; the seed does not matter."""
        del seed
        return round(self.share * num_rows)

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows, in order."""
        order = generator(seed, "subset").permutation(len(rows))
        count = self.size(len(rows), seed)
        if not self.stratified:
            return np.sort(order[:count])
        if not np.issubdtype(targets.dtype, np.integer) or targets.ndim != 1:
            raise InputError(
                f"RandomShare.stratified is True, but the targets are {targets.dtype}{list(targets.shape[1:])} values and no "
                "labels: leave it at False."
            )
        shares = _apportioned(np.bincount(targets), count)
        taken = [order[targets[order] == label][:quota] for label, quota in enumerate(shares)]
        return np.sort(np.concatenate(taken))


def _apportioned(counts: np.ndarray, total: int) -> np.ndarray:
    """Rows of each class, ``total`` in all, by the method of largest remainders."""
    exact = counts * total / counts.sum()
    quotas = np.floor(exact).astype(int)
    # Of equal remainders the lower class goes first, whatever the rounding.
    first = np.argsort(-np.round(exact - quotas, 9), kind="stable")
    quotas[first[: total - quotas.sum()]] += 1
    return quotas


@dataclass(frozen=True)
class BalancedHalves:
    """Random halves in pairs: the subsets of the seeds 2k and 2k + 1 are complements, so that every row is in one of them.

    Over seeds in pairs, every row is in exactly half of the runs, which attacks on membership need (Carlini et al. 2022,
    "Membership inference attacks from first principles"). Of an odd number of rows, the odd seed has one more.

    Examples
    --------
    >>> rows = np.arange(6)
    >>> [BalancedHalves().choose(rows, rows, seed).tolist() for seed in (4, 5)]
    [[3, 4, 5], [0, 1, 2]]
    """

    def size(self, num_rows: int, seed: int) -> int:
        """Number of rows in the subset."""
        return (num_rows + seed % 2) // 2

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows, in order."""
        order = generator(seed // 2, "subset in pairs").permutation(len(rows))
        half = len(rows) // 2
        return np.sort(order[half:] if seed % 2 else order[:half])
