"""Checks of single fields of an experiment, each with its sentence."""

from __future__ import annotations

import math
from typing import Any

from memjax.checks.values import scalar, whole
from memjax.errors import InputError
from memjax.types import Best, Condition, FiniteTask, Task

__all__ = ["ALL", "check_best", "check_condition", "check_records", "several", "train_size_of"]

ALL = "all"
"""The ``train_size`` that takes every row of a task."""
# Limit of the search for divisors of ``steps``, for an error message.
_MOST = 1_000_000


def train_size_of(train_size: Any, task: Task) -> int | float | str:
    """The checked ``train_size`` of a run on a task: a whole number, a share, or `ALL`."""
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
    """Raise `InputError` unless ``record_every`` divides ``steps``."""
    if steps % every:
        small = [d for d in range(1, min(math.isqrt(steps), _MOST) + 1) if steps % d == 0]
        near = sorted({*small, *(steps // d for d in small)}, key=lambda d: abs(math.log(d) - math.log(every)))[:12]
        raise InputError(
            f"record_every is {every}, which does not divide steps = {steps}: use one of {', '.join(map(str, sorted(near)))}."
        )


def several(name: str, values: Any) -> tuple[Any, ...]:
    """The entries of a field that holds several, as a tuple."""
    if not isinstance(values, tuple | list | range):
        raise InputError(f"{name} is {values!r}: give a tuple, with a comma even around one entry.")
    return tuple(values)


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
