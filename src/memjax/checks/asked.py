"""What a function of the user may ask for beside its own arguments: keyword-only arguments, each by its name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from memjax.errors import InputError, listing

__all__ = ["OFFERED", "OF_LOSSES", "OF_PENALTIES", "asked_by", "check_asked", "check_takes"]

OFFERED = ("loss", "live", "model", "initial", "step", "learning_rate", "opt_state", "penalty")
"""Names that a measure's function may ask for."""
OF_PENALTIES = ("model", "apply", "initial")
"""Names that a penalty may ask for."""
OF_LOSSES = ("model", "params", "x")
"""Names that a loss may ask for."""

# These two are given whatever their default; a function of old may have another thing by one of the other names.
_ALWAYS = ("loss", "live")
# What memjax's own measures ask for in padding, and a user's measure has no use for.
_INTERNAL = ("live",)


def asked_by(function: Callable[..., Any], offered: tuple[str, ...] = OFFERED) -> frozenset[str]:
    """Names of what is given to a function: its keyword-only arguments, those with a default of its own left out.

    Examples
    --------
    >>> sorted(asked_by(lambda params, apply, examples, *, step, initial, power=2: 0.0))
    ['initial', 'step']
    """
    needed, optional = _keywords(function)
    return (needed & {*offered}) | (optional & {*_ALWAYS})


def check_asked(what: str, function: Callable[..., Any], offered: tuple[str, ...] = OFFERED) -> None:
    """Raise `InputError` where a function asks for what nobody gives; ``what`` begins the sentence.

    Examples
    --------
    >>> check_asked("The measure 'f'", lambda params, apply, examples, *, epoch: 0.0)
    Traceback (most recent call last):
        ...
    memjax.errors.InputError: The measure 'f' asks for epoch by a keyword-only argument, which is not among loss, model, ...
    """
    told = [name for name in offered if name not in _INTERNAL]
    for name in sorted(_keywords(function)[0] - {*offered}):
        raise InputError(
            f"{what} asks for {name} by a keyword-only argument, which is not among {listing(told)}: ask for one of "
            "these, or give the argument a default."
        )


def check_takes(what: str, function: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    """Raise `InputError` where a function cannot be called with some arguments by position; ``what`` begins the sentence.

    Examples
    --------
    >>> check_takes("The measure 'f'", lambda params, apply: 0.0, ("params", "apply", "examples"))
    Traceback (most recent call last):
        ...
    memjax.errors.InputError: The measure 'f' is a function of (params, apply), which ... (params, apply, examples): ...
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # Some functions of C have no signature.
        return
    try:
        signature.bind(*arguments, **dict.fromkeys(_keywords(function)[0]))
    except TypeError:
        raise InputError(
            f"{what} is a function of {signature}, which cannot be called with the arguments ({', '.join(arguments)}): give a "
            "function of these, which may ask for more by keyword-only arguments, such as *, model."
        ) from None


def _keywords(function: Callable[..., Any]) -> tuple[frozenset[str], frozenset[str]]:
    try:
        return _read(function)
    except TypeError:  # A function without a hash.
        return _read.__wrapped__(function)


# A plan binds its measures many times, and reading a signature takes as long as calling many a function.
@functools.lru_cache(maxsize=256)
def _read(function: Callable[..., Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Keyword-only arguments of a function: those without a default, and those with one."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # Some functions of C have no signature.
        return frozenset(), frozenset()
    named = [one for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY]
    needed = frozenset(one.name for one in named if one.default is inspect.Parameter.empty)
    return needed, frozenset(one.name for one in named) - needed
