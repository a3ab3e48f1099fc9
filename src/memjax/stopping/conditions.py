"""Conditions on one recorded variable of a run, taken at every record after step 0.

A condition is a frozen dataclass with ``variable``, ``begin`` and ``met``; your own works as well. Its numbers can be swept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from memjax.checks.values import keep_numbers, keep_wholes, one_of
from memjax.fields import traced
from memjax.stopping.watched import check_variable
from memjax.types import Array

__all__ = ["AtLeast", "AtMost", "NoGain"]


@dataclass(frozen=True)
class AtLeast:
    """Stop a run at the first record at which a variable is at least ``value``.

    Parameters
    ----------
    variable
        Name of a recorded variable without further dimensions, such as ``train_accuracy``.
    value
        The bound; traced, so that an axis of it compiles nothing.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(train_size=8, steps=400, stop_when=AtLeast("train_accuracy", 1.0))
    >>> ds = mj.sweep(spec)
    >>> str(ds.status.values), bool(ds.train_accuracy[-1] == 1), int(ds.stop_step) < 400
    ('stopped', True, True)
    """

    variable: str
    value: float = traced(1.0)

    def __post_init__(self) -> None:
        check_variable(self)
        keep_numbers(self, ["value"])

    def begin(self) -> Any:
        """Memory before the first record: none."""
        return ()

    def met(self, value: Array, memory: Any) -> tuple[Array, Any]:
        """Whether a run stops at a record with this value of the variable, and the memory after the record."""
        return value >= self.value, memory


@dataclass(frozen=True)
class AtMost:
    """Stop a run at the first record at which a variable is at most ``value``; fields as in `AtLeast`.

    Examples
    --------
    >>> AtMost("train_loss", 0.01).met(0.02, ())[0]
    False
    """

    variable: str
    value: float = traced(0.01)

    def __post_init__(self) -> None:
        check_variable(self)
        keep_numbers(self, ["value"])

    def begin(self) -> Any:
        """Memory before the first record: none."""
        return ()

    def met(self, value: Array, memory: Any) -> tuple[Array, Any]:
        """Whether a run stops at a record with this value of the variable, and the memory after the record."""
        return value <= self.value, memory


@dataclass(frozen=True)
class NoGain:
    """Stop a run when a variable has not improved for so many records (early stopping; Prechelt 1998).

    Parameters
    ----------
    variable
        As in `AtLeast`, such as ``test_loss``.
    records
        Number of records without a gain; the record that is the first not to improve counts as one.
    best
        Whether the smallest (``min``) or the largest value (``max``) is the best.
    least
        A smaller gain is none; traced.

    Examples
    --------
    >>> condition = NoGain("test_loss", records=2)
    >>> memory, found = condition.begin(), []
    >>> for value in [3.0, 2.0, 2.5, 2.1]:
    ...     stop, memory = condition.met(value, memory)
    ...     found.append(bool(stop))
    >>> found
    [False, False, False, True]
    """

    variable: str
    records: int = 10
    best: str = "min"
    least: float = traced(0.0)

    def __post_init__(self) -> None:
        check_variable(self)
        keep_wholes(self, {"records": 1})
        one_of("NoGain.best", self.best, ("min", "max"))
        keep_numbers(self, ["least"], 0)

    def begin(self) -> Any:
        """Memory before the first record: the best value so far as a cost, and the records since."""
        return jnp.float32(jnp.inf), jnp.int32(0)

    def met(self, value: Array, memory: Any) -> tuple[Array, Any]:
        """Whether a run stops at a record with this value of the variable, and the memory after the record."""
        lowest, since = memory
        cost = value if self.best == "min" else -value
        better = cost < lowest - self.least
        since = jnp.where(better, 0, since + 1)
        return since >= self.records, (jnp.where(better, cost, lowest), since)
