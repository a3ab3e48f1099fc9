"""Checks of numbers, arrays and labelled arrays that functions of privacy are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from memjax.errors import InputError

__all__ = ["Numbers", "not_negative", "positive", "share", "shares"]

Numbers = float | np.ndarray | xr.DataArray
"""A number, or float64 of any shape; functions of several broadcast them."""


def not_negative(name: str, values: Numbers, *, finite: bool = False) -> None:
    """Raise `InputError` unless all values are numbers of at least 0; infinity is allowed, but with ``finite``."""
    _check(name, values, lambda given: (given >= 0) & (np.isfinite(given) | (not finite)), "numbers of at least 0")


def positive(name: str, values: Numbers) -> None:
    """Raise `InputError` unless all values are finite numbers of more than 0."""
    _check(name, values, lambda given: (given > 0) & np.isfinite(given), "finite numbers of more than 0")


def shares(name: str, values: Numbers) -> None:
    """Raise `InputError` unless all values lie between 0 and 1; both ends are allowed."""
    _check(name, values, lambda given: (given >= 0) & (given <= 1), "numbers from 0 to 1")


def share(name: str, value: Any) -> float:
    """Check one number strictly between 0 and 1.

    Raises
    ------
    InputError
        If the value is another.

    Examples
    --------
    >>> share("delta", 1e-5)
    1e-05
    """
    if np.ndim(value):
        raise InputError(f"{name} is {value!r}: give one number more than 0 and less than 1.")
    _check(name, value, lambda given: (given > 0) & (given < 1), "a number more than 0 and less than 1")
    return float(value)


def _check(name: str, values: Any, allowed: Any, asked: str) -> None:
    try:
        given = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {values!r}: give {asked}.") from None
    good = allowed(given)
    if not good.all():
        first = given[~good].ravel()[0]
        where = f"is {first:g}" if given.ndim == 0 else f"holds the value {first:g}"
        raise InputError(f"{name} {where}: give {asked}.")
