"""Checks that more than one part makes: of single values, each returned or refused in a whole sentence, and of functions."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from memjax.errors import InputError, listing

__all__ = ["number", "one_of", "own", "takes_one", "whole"]


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


def number(name: str, value: Any, least: float = -math.inf, most: float = math.inf) -> Any:
    """Check a finite number in a range, both ends included.

    Raises
    ------
    InputError
        If it is no number, not finite, or outside.

    Examples
    --------
    >>> number("alpha", 0.5)
    0.5
    """
    if not _finite(value) or not least <= value <= most:
        where = (
            ""
            if least == -math.inf
            else f" of at least {least:g}"
            if most == math.inf
            else f" from {least:g} to {most:g}"
        )
        raise InputError(f"{name} is {value!r}: give a finite number{where}.")
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


def own(part: Any) -> bool:
    """Whether a function or an object is a user's: its code is not memjax's, or a function that it holds is not.

    Examples
    --------
    >>> from memjax.losses import mse
    >>> own(mse), own(len)
    (False, True)
    """
    module = getattr(part, "__module__", None) or type(part).__module__
    return str(module).split(".")[0] != "memjax" or any(own(held) for held in _held(part) if callable(held))


def _held(part: Any) -> list[Any]:
    if isinstance(part, type) or not dataclasses.is_dataclass(part):
        return []
    return [getattr(part, one.name) for one in dataclasses.fields(part)]
