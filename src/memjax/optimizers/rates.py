"""Checks of learning rates: numbers, schedules, and functions of the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import number, takes_one
from memjax.errors import InputError, cause
from memjax.schedules import Own, Schedule, constant, warmup
from memjax.types import Array

__all__ = ["check_rate", "check_rates", "first_other_rate", "is_schedule", "not_negative", "scalar"]

_MOST_LOOKS = 10_000


def is_schedule(value: Any) -> bool:
    """Whether a value is a schedule; arrays have an attribute ``at`` too, so the protocol alone would take a number for one."""
    return isinstance(value, Schedule) and not isinstance(value, jax.Array | np.ndarray)


def not_negative(label: str, rate: Any) -> float:
    """A learning rate that is a number of at least 0.

    Raises
    ------
    InputError
        If the rate is no finite number, or negative.

    Examples
    --------
    >>> not_negative("adam.learning_rate", 1)
    1.0
    """
    if number(label, rate) < 0:
        raise InputError(
            f"{label} is {rate!r}: give a number of at least 0. To go up the loss, give the experiment loss_scale=-1."
        )
    return float(rate)


def check_rate(label: str, rate: Any) -> Any:
    """A learning rate that follows the step: a schedule, or a function of the step alone.

    Raises
    ------
    InputError
        If the peak of a schedule of memjax is negative, or a function takes something else.
    """
    if isinstance(rate, Own):
        not_negative(f"{label}.peak", rate.peak)
    elif not isinstance(rate, Schedule) and not takes_one(rate):
        raise InputError(
            f"{label} is {rate!r}, which cannot be called with one argument: give a function of the step, as "
            "optax's schedules are, or a schedule of memjax.schedules."
        )
    return rate


def scalar(label: str, rate: Any, call: Callable[[Array], Any], count: Array) -> Any:
    """Learning rate before one step.

    Raises
    ------
    InputError
        If the call fails, or gives no real number.
    """
    try:
        found = call(count)
    except InputError:
        raise
    except Exception as problem:
        raise InputError(
            f"{label} is {rate!r}, which failed on a traced step: {cause(problem)} Use jax.numpy in it, such as "
            "jnp.where in place of if."
        ) from problem
    numeric = isinstance(found, int | float | jax.Array | np.ndarray | np.number) and not isinstance(found, bool)
    if not numeric or jnp.shape(found) != () or jnp.result_type(found).kind not in "fiuV":
        got = f"{jnp.result_type(found)}{list(jnp.shape(found))}" if numeric else f"a {type(found).__name__}"
        raise InputError(f"{label} is {rate!r}, which gave {got} for one step: it must give one real number.")
    return found


def check_rates(label: str, function: Callable[[Array], Any], steps: int) -> None:
    """Raise `InputError` where a function gives a learning rate that is negative or not finite, looking at 10,000 steps."""
    at = np.unique(np.linspace(0, steps - 1, min(steps, _MOST_LOOKS)).astype(np.int32))
    rates = np.asarray(jax.jit(lambda counts: jax.lax.map(function, counts))(at), np.float64)
    # The end of a decay to 0 may be a rounding below it.
    bad = ~np.isfinite(rates) | (rates < -1e-6 * np.abs(rates).max())
    if bad.any():
        first = int(bad.argmax())
        raise InputError(
            f"{label} is {function!r}, which gives {rates[first]:g} before step {at[first]}: give finite rates "
            "of at least 0. To go up the loss, give the experiment loss_scale=-1."
        )


def first_other_rate(schedule: Schedule, before: int, steps: int, done: int) -> int | None:
    """First of ``done`` steps with another rate in a run of ``steps`` than in one of ``before``, looking at 10,000 of them.

    Examples
    --------
    >>> from memjax.schedules import cosine, linear
    >>> first_other_rate(cosine(0.1), 20, 40, 20), first_other_rate(linear(0.1, final_fraction=1.0), 20, 40, 20)
    (1, None)
    """
    if isinstance(schedule, constant | warmup) or not done:
        return None
    at = np.unique(np.linspace(0, done - 1, min(done, _MOST_LOOKS)).astype(np.int32))
    short, long = (np.asarray(jax.vmap(lambda step, end=end: schedule.at(step, end))(at)) for end in (before, steps))
    other = np.flatnonzero(short != long)
    return int(at[other[0]]) if len(other) else None
