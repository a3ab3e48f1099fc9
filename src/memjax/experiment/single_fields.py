"""Checks of single fields of an experiment, and the form in which it keeps them."""

from __future__ import annotations

import math
from typing import Any

from memjax import losses
from memjax.checks.asked import OF_LOSSES, OF_PENALTIES, check_asked
from memjax.errors import InputError
from memjax.fields import is_node
from memjax.types import Best, Condition

__all__ = ["as_tuple", "check_best", "check_condition", "check_loss", "check_penalty", "check_records"]

# Limit of the search for divisors of ``steps``, for an error message.
_MOST = 1_000_000


def check_records(steps: int, every: int) -> None:
    """Raise `InputError` where the steps between records do not divide the steps."""
    if steps % every:
        small = [d for d in range(1, min(math.isqrt(steps), _MOST) + 1) if steps % d == 0]
        near = sorted({*small, *(steps // d for d in small)}, key=lambda d: abs(math.log(d) - math.log(every)))[:12]
        raise InputError(
            f"record_every is {every}, which does not divide steps = {steps}: use one of {', '.join(map(str, sorted(near)))}."
        )


def as_tuple(name: str, values: Any) -> tuple[Any, ...]:
    """Several entries of a field; raises `InputError` where there is no list of them."""
    if not isinstance(values, tuple | list | range):
        raise InputError(f"{name} is {values!r}: give a tuple, with a comma even around one entry.")
    return tuple(values)


def check_loss(loss: Any) -> None:
    """Raise `InputError` unless a loss has a known name, or is a function that asks for nothing but what losses are given."""
    found = losses.get(loss)
    if isinstance(found, type):
        raise InputError(f"loss is {loss!r}, which is a class: give an object of it, such as {found.__name__}().")
    check_asked(f"The loss {loss!r}", found, OF_LOSSES)


def check_penalty(penalty: Any) -> None:
    """Check a penalty: a dataclass object that can be called, and asks for nothing but what a penalty is given.

    Raises
    ------
    InputError
        If it is anything else, or has no hash.
    """
    if not callable(penalty) or isinstance(penalty, type) or not is_node(penalty):
        raise InputError(
            f"penalty is {penalty!r}: give an object of memjax.penalties, your own frozen dataclass with __call__(params), or "
            "None."
        )
    if type(penalty).__hash__ is None:
        raise InputError(f"penalty is {penalty!r}, which has no hash: make its class a frozen dataclass.")
    check_asked(f"The penalty {penalty!r}", penalty, OF_PENALTIES)


def check_condition(stop_when: Any) -> None:
    """Raise `InputError` unless ``stop_when`` is a condition or None."""
    if stop_when is not None and (not isinstance(stop_when, Condition) or isinstance(stop_when, type)):
        raise InputError(
            f"stop_when is {stop_when!r}: give an object of memjax.stopping, your own with variable, begin and met, or None."
        )


def check_best(keep_best: Any) -> None:
    """Raise `InputError` unless ``keep_best`` is a choice of the best network or None."""
    if keep_best is not None and (not isinstance(keep_best, Best) or isinstance(keep_best, type)):
        raise InputError(
            f"keep_best is {keep_best!r}: give memjax.stopping.Lowest or Highest with the name of a recorded variable, your "
            "own object with variable and better, or None."
        )
    if keep_best is not None and type(keep_best).__hash__ is None:
        raise InputError(f"keep_best is {keep_best!r}, which has no hash: make its class a frozen dataclass.")
