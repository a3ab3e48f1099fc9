"""Numbers and strings that a closure captured, as short text that distinguishes closures of the same function."""

from __future__ import annotations

from typing import Any

import numpy as np

from memjax.content import origin
from memjax.content.code import held_in

__all__ = ["captured", "as_captured"]


def captured(function: Any) -> str:
    """Numbers and strings that a function closes over, by name and in brackets; empty if there are none.

    Examples
    --------
    >>> def power(exponent):
    ...     return lambda x: x**exponent
    >>> captured(power(2)), captured(len)
    ('(exponent=2)', '')
    """
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    cells = zip(names, getattr(function, "__closure__", None) or (), strict=False)
    held = [(name, held_in(cell)) for name, cell in cells]
    if origin.installed(getattr(function, "__globals__", {}).get("__name__")):
        held = [(name, as_captured(value)) for name, value in held]
    plain = [f"{name}={value!r}" for name, value in held if isinstance(value, bool | int | float | str | np.number)]
    return f"({', '.join(plain)})" if plain else ""


def as_captured(value: Any) -> Any:
    """A captured value of an installed function, in the form that does not depend on earlier calls.

    The schedules of optax replace captured integers by floats when they are called.

    Examples
    --------
    >>> as_captured(20.0), as_captured(0.5)
    (20, 0.5)
    """
    return int(value) if type(value) is float and value.is_integer() else value
