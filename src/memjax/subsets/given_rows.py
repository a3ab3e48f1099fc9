"""Subsets that name rows: some left out, some alone, some planted several times, or the first ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from memjax.checks.values import keep_wholes, whole
from memjax.errors import InputError
from memjax.types import Subset

__all__ = ["First", "GivenRows", "LeaveOut", "Planted"]


@dataclass(frozen=True)
class First:
    """The first ``count`` rows of the data set, in the order in which the data seed draws them.

    Without a subset a run trains on all rows of its data set, and ``train_size`` says how many there are. With this subset,
    the data set stays the same when the number of rows to train on varies.

    Parameters
    ----------
    count
        Number of rows, at least 1.

    Examples
    --------
    >>> First(2).choose(np.array([7, 3, 5]), np.zeros(3), seed=0)
    array([0, 1])
    """

    count: int

    def __post_init__(self) -> None:
        keep_wholes(self, {"count": 1})

    def size(self, num_rows: int, seed: int) -> int:
        """Number of rows in the subset; raises `InputError` if the data set has fewer."""
        if self.count > num_rows:
            raise InputError(
                f"First.count is {self.count}, but the data set has {num_rows} rows: give at most {num_rows}."
            )
        return self.count

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows."""
        return np.arange(self.size(len(rows), seed))


@dataclass(frozen=True)
class LeaveOut:
    """All rows but one, or but several.

    Parameters
    ----------
    left_out
        The number of a row, or a tuple of numbers; None or ``()`` leaves out nothing, for the run to compare with.

    Examples
    --------
    >>> LeaveOut(3).choose(np.array([7, 3, 5]), np.zeros(3), seed=0)
    array([0, 2])
    """

    left_out: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.left_out is not None and not _is_several(self.left_out):
            keep_wholes(self, {"left_out": 0})
        elif self.left_out is not None:
            object.__setattr__(self, "left_out", _row_numbers("LeaveOut.left_out", self.left_out))

    @property
    def _rows(self) -> tuple[int, ...]:
        if self.left_out is None:
            return ()
        return self.left_out if isinstance(self.left_out, tuple) else (self.left_out,)

    def size(self, num_rows: int, seed: int) -> int:
        """Number of rows in the subset."""
        return num_rows - len(self._rows)

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows, in order; raises `InputError` for a row that is not in the data set."""
        left = _places("LeaveOut.left_out", self._rows, rows)
        return np.delete(np.arange(len(rows)), left)


@dataclass(frozen=True)
class GivenRows:
    """Given rows alone.

    Parameters
    ----------
    rows
        Numbers of the rows, each once.

    Examples
    --------
    >>> GivenRows((5, 7)).choose(np.array([7, 3, 5]), np.zeros(3), seed=0)
    array([0, 2])
    """

    rows: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", _row_numbers("GivenRows.rows", self.rows))

    def size(self, num_rows: int, seed: int) -> int:
        """Number of rows in the subset."""
        return len(self.rows)

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows, in order; raises `InputError` for a row that is not in the data set."""
        return np.sort(_places("GivenRows.rows", self.rows, rows))


@dataclass(frozen=True)
class Planted:
    """Given rows a given number of times each, and another subset of all other rows: canaries, and rows with a weight.

    Parameters
    ----------
    rows
        Numbers of the planted rows, each once.
    times
        How often each planted row stands in the train set; 0 leaves them out.
    among
        Subset of the other rows; None takes all.

    Examples
    --------
    >>> Planted((5,), times=3).choose(np.array([7, 3, 5]), np.zeros(3), seed=0)
    array([0, 1, 2, 2, 2])
    """

    rows: tuple[int, ...]
    times: int = 1
    among: Subset | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", _row_numbers("Planted.rows", self.rows))
        keep_wholes(self, {"times": 0})
        if self.among is not None and (not isinstance(self.among, Subset) or isinstance(self.among, type)):
            raise InputError(
                f"Planted.among is {self.among!r}: give an object of memjax.subsets, or None for all rows."
            )

    def size(self, num_rows: int, seed: int) -> int:
        """Number of rows in the subset, planted ones as often as they stand in it."""
        others = num_rows - len(self.rows)
        return self.times * len(self.rows) + (others if self.among is None else self.among.size(others, seed))

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows, planted ones at the end; raises `InputError` for an unknown row."""
        planted = np.sort(_places("Planted.rows", self.rows, rows))
        others = np.delete(np.arange(len(rows)), planted)
        if self.among is not None:
            others = others[self.among.choose(rows[others], targets[others], seed)]
        return np.concatenate([others, np.repeat(planted, self.times)])


def _is_several(value: Any) -> bool:
    return isinstance(value, tuple | list | range) or (isinstance(value, np.ndarray) and value.ndim == 1)


def _row_numbers(name: str, rows: Any) -> tuple[int, ...]:
    if not _is_several(rows):
        raise InputError(f"{name} is {rows!r}: give a tuple of row numbers, with a comma even around one.")
    numbers = tuple(whole(name, row, 0) for row in rows)
    if len(set(numbers)) < len(numbers):
        again = next(row for row in numbers if numbers.count(row) > 1)
        raise InputError(f"{name} holds the row {again} more than once: give each once.")
    return numbers


def _places(name: str, wanted: Iterable[int], rows: np.ndarray) -> np.ndarray:
    """Positions of rows by their numbers."""
    asked = np.array([*wanted], np.int64)
    order = np.argsort(rows, kind="stable")
    at = order[np.minimum(np.searchsorted(rows, asked, sorter=order), len(rows) - 1)]
    unknown = asked[rows[at] != asked]
    if len(unknown):
        raise InputError(
            f"{name} holds the row {unknown[0]}, which is not among the {len(rows)} rows of the data set (numbers from "
            f"{rows.min()} to {rows.max()}): give rows that are, or train_size='all' for all rows of the task."
        )
    return at
