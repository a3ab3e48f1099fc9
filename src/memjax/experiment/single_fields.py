"""Checks of single fields of an experiment, and the form in which it keeps them."""

from __future__ import annotations

import math
from typing import Any

from memjax.checks.values import scalar, whole
from memjax.errors import InputError
from memjax.fields import is_node
from memjax.measures.asked import OF_PENALTIES, check_asked
from memjax.types import FiniteTask, Task

__all__ = ["ALL", "as_train_size", "as_tuple", "check_penalty", "check_records"]

ALL = "all"
# Limit of the search for divisors of ``steps``, for an error message.
_MOST = 1_000_000


def as_train_size(train_size: Any, task: Task) -> int | float | str:
    """A train size: a whole number, a share of a task's examples, or all of them; raises `InputError` for anything else."""
    train_size = scalar(train_size)
    if not isinstance(train_size, float) and train_size != ALL:
        return whole("train_size", train_size, 1)
    if train_size != ALL and not 0 < train_size < 1:
        raise InputError(
            f"train_size is {train_size!r}: give a whole number of at least 1, a share between 0 and 1, or 'all'."
        )
    if not isinstance(task, FiniteTask):
        raise InputError(
            f"train_size is {train_size!r}, but {type(task).__name__} draws as many examples as it is asked for: give a whole "
            "number, for a share or 'all' needs a task with num_examples."
        )
    return train_size


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
