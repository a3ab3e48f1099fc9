"""Learning-rate schedules with traced numbers, so that a sweep over peaks or warmups compiles nothing.

A schedule is a frozen dataclass with a method ``at(step, steps)``: the rate of update ``step`` (from 0) of ``steps``.
Use one in place of the number: ``adam(learning_rate=warmup_cosine(peak=1e-3, warmup_steps=100))``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers
from memjax.fields import traced
from memjax.types import Array

__all__ = ["Own", "Schedule", "constant", "cosine", "linear", "warmup", "warmup_cosine"]


@runtime_checkable
class Schedule(Protocol):
    """Anything with ``at(step, steps) -> learning rate``; the fields declared `memjax.fields.traced` can be swept.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from memjax import traced
    >>> from memjax.optimizers import sgd
    >>> @dataclass(frozen=True)
    ... class Halving:
    ...     peak: float = traced(0.1)
    ...     def at(self, step, steps):
    ...         return self.peak * 0.5 ** (step / 100)
    >>> isinstance(Halving(), Schedule)
    True
    >>> float(Halving(peak=0.4).at(200, steps=1000))
    0.1
    >>> sgd(Halving()).hyperparameters["learning_rate"].peak
    0.1
    """

    def at(self, step: Array, steps: int) -> Array:
        """Learning rate before update ``step`` (from 0) of a run of ``steps`` updates."""
        ...


def _check(schedule: Any) -> None:
    # Optimizers check the sign of the peak, because a user's optimizer may need a negative rate.
    names = [field.name for field in dataclasses.fields(schedule)]
    keep_numbers(schedule, [name for name in names if name == "peak"])
    keep_numbers(schedule, [name for name in names if name != "peak"], 0)


def _ramp(step: Array, warmup_steps: Array | float) -> Array:
    """Fraction of the warmup done, 0 at step 0 and 1 from ``warmup_steps`` on."""
    return jnp.where(step < warmup_steps, step / jnp.maximum(warmup_steps, 1), 1.0)


def _decay(step: Array, start: Array | float, stop: Array | float) -> Array:
    """Fraction of the way from ``start`` to ``stop``, clipped to 0..1."""
    return jnp.clip((step - start) / jnp.maximum(stop - start, 1), 0.0, 1.0)


def _half_cosine(step: Array, start: Array | float, stop: int, final_fraction: Array | float) -> Array:
    """Factor that falls from 1 at ``start`` to ``final_fraction`` at ``stop``."""
    fall = 0.5 * (1 + jnp.cos(jnp.pi * _decay(step, start, stop)))
    return final_fraction + (1 - final_fraction) * fall


@named
@dataclass(frozen=True)
class constant:
    """A constant rate; ``adam(1e-3)`` is short for ``adam(constant(1e-3))``.

    Examples
    --------
    >>> [round(float(constant(peak=0.3).at(step, 100)), 2) for step in (0, 50, 100)]
    [0.3, 0.3, 0.3]
    """

    peak: float = traced(1e-3)

    def __post_init__(self) -> None:
        _check(self)

    def at(self, step: Array, steps: int) -> Array:
        """Rate ``peak``."""
        del step, steps
        return jnp.asarray(self.peak)


@named
@dataclass(frozen=True)
class warmup:
    """Linear rise from 0 to ``peak`` over ``warmup_steps``, then constant (`optax.linear_schedule`).

    Examples
    --------
    >>> [round(float(warmup(peak=1.0, warmup_steps=4).at(step, 100)), 2) for step in (0, 2, 4, 50)]
    [0.0, 0.5, 1.0, 1.0]
    """

    peak: float = traced(1e-3)
    warmup_steps: float = traced(100)

    def __post_init__(self) -> None:
        _check(self)

    def at(self, step: Array, steps: int) -> Array:
        """Rate before ``step``."""
        del steps
        return self.peak * _ramp(step, self.warmup_steps)


@named
@dataclass(frozen=True)
class linear:
    """Straight line from ``peak`` at step 0 to ``peak * final_fraction`` at the last step.

    Examples
    --------
    >>> [round(float(linear(peak=1.0, final_fraction=0.2).at(step, 100)), 2) for step in (0, 50, 100)]
    [1.0, 0.6, 0.2]
    """

    peak: float = traced(1e-3)
    final_fraction: float = traced(0.0)

    def __post_init__(self) -> None:
        _check(self)

    def at(self, step: Array, steps: int) -> Array:
        """Rate before ``step``."""
        return self.peak * (1 - (1 - self.final_fraction) * _decay(step, 0, steps))


@named
@dataclass(frozen=True)
class cosine:
    """Half a cosine from ``peak`` at step 0 to ``peak * final_fraction`` (`optax.cosine_decay_schedule`).

    Examples
    --------
    >>> [round(float(cosine(peak=1.0).at(step, 100)), 2) for step in (0, 25, 50, 100)]
    [1.0, 0.85, 0.5, 0.0]
    """

    peak: float = traced(1e-3)
    final_fraction: float = traced(0.0)

    def __post_init__(self) -> None:
        _check(self)

    def at(self, step: Array, steps: int) -> Array:
        """Rate before ``step``."""
        return self.peak * _half_cosine(step, 0, steps, self.final_fraction)


@named
@dataclass(frozen=True)
class warmup_cosine:
    """Linear rise over ``warmup_steps``, then half a cosine (`optax.warmup_cosine_decay_schedule` from 0).

    Examples
    --------
    >>> [round(float(warmup_cosine(peak=1.0, warmup_steps=20).at(step, 100)), 2) for step in (0, 10, 20, 60, 100)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    peak: float = traced(1e-3)
    warmup_steps: float = traced(100)
    final_fraction: float = traced(0.0)

    def __post_init__(self) -> None:
        _check(self)

    def at(self, step: Array, steps: int) -> Array:
        """Rate before ``step``."""
        fall = _half_cosine(step, self.warmup_steps, steps, self.final_fraction)
        return self.peak * _ramp(step, self.warmup_steps) * fall


Own = constant | warmup | linear | cosine | warmup_cosine
"""Any schedule of memjax, as a type."""
