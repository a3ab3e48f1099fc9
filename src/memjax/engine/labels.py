"""Labels that are numbers: in which type an array holds all of them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["exact_numbers"]


def exact_numbers(column: Sequence[Any]) -> np.ndarray | None:
    """Array of some numbers in which each is what it was; None where there is none, or they are no numbers.

    Examples
    --------
    >>> exact_numbers([0, 2**63 + 1]).dtype, exact_numbers([1, 0.5]).dtype, exact_numbers([0.5, 2**53 + 1])
    (dtype('uint64'), dtype('float64'), None)
    """
    if not all(isinstance(value, bool | int | float | np.number) for value in column):
        return None
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in column)
    # NumPy makes floats of whole numbers beyond 2**63 beside smaller ones, which rounds them.
    unsigned = whole and 2**63 <= max(column) < 2**64 and min(column) >= 0
    numbers = np.asarray(column, np.uint64 if unsigned else None)
    if numbers.dtype == object or any(own != value for own, value in zip(numbers.tolist(), column, strict=True)):
        return None
    return numbers
