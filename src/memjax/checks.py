"""Checks that more than one part makes: of single values, each returned or refused in a whole sentence, and of functions."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from memjax.errors import InputError, listing

__all__ = ["flag", "number", "one_of", "takes_one", "whole"]


def whole(name: str, value: Any, least: int) -> Any:
    """Check a whole number.

    Raises
    ------
    InputError
        If it is no whole number or less than ``least``.

    Examples
    --------
    >>> whole("steps", 10, 1)
    10
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} is {value!r}: give a whole number of at least {least}.")
    return value


def number(name: str, value: Any, least: float = -math.inf, most: float = math.inf, below: float = math.inf) -> Any:
    """Check a finite number in a range, both ends included but ``below``.

    Raises
    ------
    InputError
        If it is no number, not finite, or outside.

    Examples
    --------
    >>> number("alpha", 0.5)
    0.5
    """
    if not _finite(value) or not least <= value <= most or value >= below:
        where = (
            ""
            if least == -math.inf
            else f" of at least {least:g}"
            if most == math.inf
            else f" from {least:g} to {most:g}"
        )
        under = "" if below == math.inf else f" and less than {below:g}"
        raise InputError(f"{name} is {value!r}: give a finite number{where}{under}.")
    return value


def _finite(value: Any) -> bool:
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def one_of(name: str, value: Any, allowed: Iterable[str]) -> Any:
    """Check a word.

    Raises
    ------
    InputError
        If it is none of the allowed ones.

    Examples
    --------
    >>> one_of("labels", "uniform", ("uniform", "power"))
    'uniform'
    """
    allowed = tuple(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise InputError(f"{name} is {value!r}: use {listing(allowed)}.")
    return value


def flag(name: str, value: Any) -> bool:
    """Check a truth value; 0 and 1 are some.

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> flag("bias", 0)
    False
    """
    if not isinstance(value, bool | np.bool_ | int | np.integer) or value not in (0, 1):
        raise InputError(f"{name} is {value!r}: give True or False.")
    return bool(value)


def takes_one(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with one argument by position.

    Examples
    --------
    >>> takes_one(len), takes_one(lambda params, apply, examples: 0.0)
    (True, False)
    """
    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError):
        return False
    return True
