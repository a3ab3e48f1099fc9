"""Labels of the values of an axis: numbers label themselves; other values get a short text, to read and to use in `sel`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from memjax.content import captured, try_content
from memjax.errors import InputError

__all__ = ["distinct_label", "exact_numbers", "labels_of"]


def labels_of(name: str, column: Sequence[Any]) -> np.ndarray:
    """Labels of the values of a field: equal values get equal labels, different values get different labels.

    Raises
    ------
    InputError
        If two values cannot be told apart.

    Examples
    --------
    >>> labels_of("hidden", [(100, 100), (), (100, 100)]).tolist()
    ['100-100', 'none', '100-100']
    >>> def power(exponent):
    ...     return lambda x: x**exponent
    >>> labels_of("activation", [power(2), power(3)]).tolist()
    ['<lambda>(exponent=2)', '<lambda>(exponent=3)']
    """
    numbers = exact_numbers(column)
    if numbers is not None:
        return numbers
    contents = [try_content(value) or f"object {id(value)}" for value in column]
    for write in (_short_text, _text_and_captured, _full_text, _text_and_digest):
        words = [write(value) for value in column]
        if len(set(zip(words, contents, strict=True))) == len(set(words)):
            return np.asarray(words)
    raise InputError(
        f"The axis {name!r} has values that read the same, {[_short_text(value) for value in column]}: give each a name of its "
        f"own, as in {{{name!r}: {{'first': ..., 'second': ...}}}}."
    )


def distinct_label(value: Any) -> str:
    """Label that depends on the content of a value: its repr, or if that contains an address, its name and a digest.

    Examples
    --------
    >>> distinct_label("relu"), distinct_label(lambda x: x)[:9]
    ("'relu'", '<lambda>-')
    """
    return _text_and_digest(value) if " at 0x" in repr(value) else repr(value)


def exact_numbers(column: Sequence[Any]) -> np.ndarray | None:
    """Array that holds every number exactly; None if there is no such array, or if the values are not numbers.

    Examples
    --------
    >>> exact_numbers([0, 2**63 + 1]).dtype, exact_numbers([1, 0.5]).dtype, exact_numbers([0.5, 2**53 + 1])
    (dtype('uint64'), dtype('float64'), None)
    """
    if not all(isinstance(value, bool | int | float | np.number) for value in column):
        return None
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in column)
    # NumPy converts a list with integers above 2**63 to floats, which rounds them.
    unsigned = whole and 2**63 <= max(column) < 2**64 and min(column) >= 0
    numbers = np.asarray(column, np.uint64 if unsigned else None)
    if numbers.dtype == object or any(kept != value for kept, value in zip(numbers.tolist(), column, strict=True)):
        return None
    return numbers


def _short_text(value: Any) -> str:
    """Short text of a value: a string itself, widths as 100-100, an object's name without an address."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "-".join(str(item) for item in value) or "none"
    if isinstance(value, functools.partial):
        return _short_text(value.func)
    for attribute in ("name", "__name__"):
        found = getattr(value, attribute, None)
        if isinstance(found, str) and found:
            return found
    return type(value).__name__ if dataclasses.is_dataclass(value) or " at 0x" in str(value) else str(value)


def _text_and_captured(value: Any) -> str:
    """Name of a function, with the numbers and strings that it captured or that `functools.partial` bound."""
    if isinstance(value, functools.partial):
        given = [repr(item) for item in value.args], [f"{name}={item!r}" for name, item in value.keywords.items()]
        return f"{_text_and_captured(value.func)}({', '.join([*given[0], *given[1]])})"
    return f"{_short_text(value)}{captured(value)}"


def _full_text(value: Any) -> str:
    return _text_and_captured(value) if " at 0x" in repr(value) else repr(value)


def _text_and_digest(value: Any) -> str:
    held = try_content(value)
    return _short_text(value) if held is None else f"{_short_text(value)}-{held.rpartition(':')[2][:6]}"
