"""When records are taken: steps in a list or spaced by factors, and the checks of the steps that a user gives."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from memjax.checks.values import whole
from memjax.errors import InputError

__all__ = ["RecordSteps", "record_steps", "spaced", "whole_steps"]

RecordSteps = range | tuple[int, ...]
"""Steps of all records of a run, from 0 to its last: a range where they are evenly spaced, else a tuple."""

_MOST = 1_000_000


def spaced(first: int, last: int, per_decade: int = 20) -> tuple[int, ...]:
    """Steps that grow by a factor, for records that are as dense in the logarithm of time at the start as at the end.

    Parameters
    ----------
    first, last
        The ends, both included; ``first`` is at least 1, for the logarithm of 0 is not finite.
    per_decade
        Steps per factor of ten. Where that would be closer than one step, every step is given once.

    Returns
    -------
    tuple of int
        Increasing steps: ``first * 10 ** (i / per_decade)``, rounded, below ``last``, and then ``last``. So a longer run has
        the steps of a shorter one, but for its last, and the last gap is shorter than the factor says.

    Raises
    ------
    InputError
        If an argument is not a whole number of at least 1, ``last`` lies before ``first``, or there would be more than a
        million steps.

    Examples
    --------
    >>> spaced(1, 1000, per_decade=3)
    (1, 2, 5, 10, 22, 46, 100, 215, 464, 1000)
    >>> spaced(1, 600, per_decade=3)
    (1, 2, 5, 10, 22, 46, 100, 215, 464, 600)
    """
    first, last = whole("first", first, 1), whole("last", last, 1)
    per_decade = whole("per_decade", per_decade, 1)
    if last < first:
        raise InputError(f"last is {last}, which lies before first = {first}: give the larger step as last.")
    count = per_decade * (math.log10(last) - math.log10(first))
    if count > _MOST:
        raise InputError(
            f"per_decade is {per_decade}, which makes {count:.3g} steps from {first} to {last}: give a smaller number, for at "
            f"most {_MOST:,} steps are spaced."
        )
    grown = (round(first * 10 ** (i / per_decade)) for i in range(math.ceil(count) + 1))
    return (*dict.fromkeys(step for step in grown if step < last), last)


def whole_steps(name: str, values: Any, steps: int, *, increasing: bool = False) -> tuple[int, ...]:
    """Steps of a run as Python integers, in the order given.

    Raises
    ------
    InputError
        If ``values`` is not a tuple, list, range or array of whole numbers from 0 to ``steps``, or is to increase and does not.

    Examples
    --------
    >>> whole_steps("record_at", np.array([1, 10, 100]), 100, increasing=True)
    (1, 10, 100)
    """
    listed = values.tolist() if isinstance(values, np.ndarray) and values.ndim else values
    if not isinstance(listed, tuple | list | range):
        raise InputError(f"{name} is {values!r}: give a tuple, with a comma even around one entry.")
    found = tuple(int(step) if isinstance(step, np.integer) else step for step in listed)
    for step in found:
        if type(step) is not int or not 0 <= step <= steps:
            raise InputError(
                f"{name} has the step {step!r}, which is not allowed: give whole numbers from 0 to steps = {steps}."
            )
    if increasing:
        _check_increasing(name, found)
    return found


def _check_increasing(name: str, found: tuple[int, ...]) -> None:
    for before, step in pairwise(found):
        if step <= before:
            raise InputError(
                f"{name} has the step {step} after the step {before}: give each step once, in increasing order, as "
                "memjax.spaced does."
            )


def record_steps(steps: int, every: int, at: tuple[int, ...] | None) -> RecordSteps:
    """Steps of all records of a run: 0, those asked for, and the last.

    Even steps are a range however they were asked for, so that runs with the same records share their programs.

    Examples
    --------
    >>> record_steps(100, 50, None), record_steps(100, 1, (50,)), record_steps(100, 1, (1, 10))
    (range(0, 101, 50), range(0, 101, 50), (0, 1, 10, 100))
    """
    if at is None:
        return range(0, steps + 1, every)
    found = tuple(sorted({0, *at, steps}))
    even = range(0, steps + 1, found[1])
    return even if len(even) == len(found) and tuple(even) == found else found
