"""Checks of single values and of functions that several parts of the library share."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from memjax.errors import InputError, listing

__all__ = ["flag", "is_user_code", "keep_numbers", "keep_wholes", "number", "one_of", "scalar", "takes_one", "whole"]


def whole(name: str, value: Any, least: int) -> int:
    """Check a whole number and return it as a Python integer, because NumPy's short integers can overflow.

    Raises
    ------
    InputError
        If it is not a whole number, or is less than ``least``.

    Examples
    --------
    >>> whole("steps", np.int16(20_000), 1) + 20_000
    40000
    """
    plain = scalar(value)
    if not isinstance(plain, int) or isinstance(plain, bool) or plain < least:
        raise InputError(f"{name} is {value!r}: give a whole number of at least {least}.")
    return plain


def keep_wholes(thing: Any, least: Mapping[str, int], *, optional: bool = False) -> None:
    """Check fields of a frozen dataclass against their least values, and store each as a Python integer.

    Raises
    ------
    InputError
        If a field is not a whole number or is too small; None is allowed if ``optional``.
    """
    for field, bound in least.items():
        value = getattr(thing, field)
        if value is not None or not optional:
            object.__setattr__(thing, field, whole(f"{type(thing).__name__}.{field}", value, bound))


def number(
    name: str, value: Any, least: float = -math.inf, most: float = math.inf, below: float = math.inf
) -> int | float:
    """Check a finite number in a range and return it as a Python number; the ends are included, except ``below``.

    The value does not change: a float32 of 0.1 becomes 0.10000000149.

    Raises
    ------
    InputError
        If it is not a number, not finite, or outside the range.

    Examples
    --------
    >>> number("alpha", 0.5), -number("alpha", np.int8(-128))
    (0.5, 128)
    """
    plain = scalar(value)
    if not _finite(plain) or not least <= plain <= most or plain >= below:
        where = (
            ""
            if least == -math.inf
            else f" of at least {least:g}"
            if most == math.inf
            else f" from {least:g} to {most:g}"
        )
        under = "" if below == math.inf else f" and less than {below:g}"
        raise InputError(f"{name} is {value!r}: give a finite number{where}{under}.")
    return int(plain) if isinstance(plain, int) else float(plain)


def keep_numbers(thing: Any, names: Iterable[str], least: float = -math.inf, most: float = math.inf) -> None:
    """Check fields of a frozen dataclass, and store each as a Python number.

    Raises
    ------
    InputError
        If a field is not a finite number in the range.
    """
    for field in names:
        value = number(f"{type(thing).__name__}.{field}", getattr(thing, field), least, most)
        object.__setattr__(thing, field, value)


def scalar(value: Any) -> Any:
    """Python's value of a NumPy or JAX scalar or of an array without axes; other values are returned unchanged."""
    if (
        type(value) in (int, float)
        or getattr(value, "ndim", None) != 0
        or not hasattr(value, "item")
        or np.ma.isMaskedArray(value)
    ):
        return value
    item = value.item()
    return float(item) if isinstance(item, np.longdouble) else item


def _finite(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def one_of(name: str, value: Any, allowed: Iterable[str]) -> Any:
    """Check that a value is one of the allowed strings.

    Raises
    ------
    InputError
        If it is not one of them.

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
    """Check a truth value and return it as a bool; 0 and 1 are allowed.

    Raises
    ------
    InputError
        If it is not a truth value.

    Examples
    --------
    >>> flag("bias", 0)
    False
    """
    if not isinstance(value, bool | np.bool_ | int | np.integer) or value not in (0, 1):
        raise InputError(f"{name} is {value!r}: give True or False.")
    return bool(value)


def takes_one(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with one positional argument.

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


def is_user_code(part: Any) -> bool:
    """Whether the code of a function or object, or of a function that it contains, is a user's and not memjax's.

    Examples
    --------
    >>> from memjax.losses import mse
    >>> is_user_code(mse), is_user_code(len)
    (False, True)
    """
    module = getattr(part, "__module__", None) or type(part).__module__
    return str(module).split(".")[0] != "memjax" or any(is_user_code(held) for held in _held(part) if callable(held))


def _held(part: Any) -> list[Any]:
    if isinstance(part, type) or not dataclasses.is_dataclass(part):
        return []
    return [getattr(part, one.name) for one in dataclasses.fields(part)]
