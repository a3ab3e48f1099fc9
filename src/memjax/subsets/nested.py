"""A subset of a subset: some rows are set aside for all runs, and every run draws its own among the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from memjax.checks.values import keep_wholes
from memjax.errors import InputError
from memjax.types import Subset

__all__ = ["Nested"]


@dataclass(frozen=True)
class Nested:
    """A subset of another subset: the inner one chooses among the rows that the outer one has chosen.

    The outer subset follows a seed of its own, so that all runs of a bank choose among the same rows. Halves of the seeds 2k
    and 2k + 1, such as those of `BalancedHalves`, are then complements among these rows.

    Parameters
    ----------
    outer
        Subset of the rows of the data set, each at most once.
    inner
        Subset of the rows that the outer one has chosen. This subset follows the seed of the run's subset.
    outer_seed
        Seed of the outer subset, at least 0.

    Raises
    ------
    InputError
        If a field's value is not allowed, or the outer subset chooses a row more than once.

    Examples
    --------
    >>> from memjax.subsets import BalancedHalves, LeaveOut
    >>> rows = np.array([7, 3, 5, 4, 6])
    >>> halves = Nested(LeaveOut((3,)), BalancedHalves())
    >>> [rows[halves.choose(rows, np.zeros(5), seed)].tolist() for seed in (4, 5)]
    [[5, 6], [7, 4]]
    """

    outer: Subset
    inner: Subset
    outer_seed: int = 0

    def __post_init__(self) -> None:
        _require_subset("Nested.outer", self.outer)
        _require_subset("Nested.inner", self.inner)
        keep_wholes(self, {"outer_seed": 0})

    def size(self, num_rows: int, seed: int) -> int:
        """Number of rows in the subset."""
        return self.inner.size(self.outer.size(num_rows, self.outer_seed), seed)

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows; raises `InputError` where the outer subset repeats a row."""
        outer = np.asarray(self.outer.choose(rows, targets, self.outer_seed))
        if len(np.unique(outer)) < len(outer):
            raise InputError(
                f"Nested.outer is {self.outer!r}, which chooses a row more than once: give an outer subset that takes each row "
                "once, and let the inner one repeat rows."
            )
        return outer[self.inner.choose(rows[outer], targets[outer], seed)]


def _require_subset(name: str, subset: Any) -> None:
    if not isinstance(subset, Subset) or isinstance(subset, type):
        raise InputError(f"{name} is {subset!r}: give an object of memjax.subsets, or your own with size and choose.")
    if type(subset).__hash__ is None:
        raise InputError(f"{name} is {subset!r}, which has no hash: make its class a frozen dataclass.")
