"""What the numbers of an optimizer may be: written beside the rule, as the annotations of the rule's parameters.

A rule is the function that builds an optax transformation. `Optimizer` checks each number as the rule's signature says::

    def _heavy_ball(learning_rate: LearningRate, momentum: Share, l2: NotNegative) -> optax.GradientTransformation: ...

A parameter without such an annotation may have any finite value: a float is traced, and everything else is structure.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import jax

from memjax.checks import values as checks
from memjax.errors import InputError
from memjax.optimizers import rates

__all__ = [
    "Described", "Flag", "FollowsStep", "LearningRate", "NotNegative", "Number", "Positive", "Share", "ShareOrNone", "Value",
    "Whole", "values_of",
]  # fmt: skip


class Value:
    """What one number of an optimizer may be."""

    def check(self, label: str, value: Any) -> Any:
        """The value as it is kept.

        Parameters
        ----------
        label
            Name of the number in a message, such as ``adam.b1``.
        value
            What the user gave, never a tracer.

        Raises
        ------
        InputError
            If the value is not allowed.
        """
        raise NotImplementedError

    def check_beside(self, label: str, numbers: Mapping[str, Any]) -> None:
        """Raise `InputError` where a value that is allowed contradicts the other ``numbers`` of the optimizer."""


class Described:
    """A rule that is an object: it says by a property what its numbers may be."""

    @property
    def allowed(self) -> Mapping[str, Value]:
        """What each number may be, by name."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Value):
    """A finite number of at least 0, which is traced.

    Attributes
    ----------
    below
        The number must be less than this.
    optional
        Whether None is allowed too, which is structure.

    Examples
    --------
    >>> Number(below=1).check("adam.b1", 0.5), Number(optional=True).check("sgd.momentum", None)
    (0.5, None)
    """

    below: float = math.inf
    optional: bool = False

    def check(self, label: str, value: Any) -> float | None:  # noqa: D102
        if value is None and self.optional:
            return None
        return float(checks.number(label, _plain(label, value), 0, below=self.below))


@dataclass(frozen=True)
class Positive(Value):
    """A positive number, which is traced, or None, which is structure.

    Attributes
    ----------
    none
        End of the sentence that refuses a number: what None does. Without it, None is refused too.
    """

    none: str = ""

    def check(self, label: str, value: Any) -> float | None:  # noqa: D102
        if value is None and self.none:
            return None
        value = _plain(label, value)
        if checks.number(label, value) <= 0:
            other = f", or None, which {self.none}" if self.none else ""
            raise InputError(f"{label} is {value!r}: give a positive number{other}.")
        return float(value)


@dataclass(frozen=True)
class Flag(Value):
    """True or False, which is structure.

    Attributes
    ----------
    needs
        Name of another number that must not be None where the flag is True.
    such_as
        A value for the other number, which the message suggests.
    """

    needs: str | None = None
    such_as: float | None = None

    def check(self, label: str, value: Any) -> bool:  # noqa: D102
        return checks.flag(label, value)

    def check_beside(self, label: str, numbers: Mapping[str, Any]) -> None:  # noqa: D102
        name = label.rpartition(".")[2]
        if self.needs and numbers[name] and numbers.get(self.needs) is None:
            raise InputError(f"{label} is True, but {self.needs} is None: give a {self.needs}, such as {self.such_as}.")


@dataclass(frozen=True)
class Whole(Value):
    """A whole number, which is structure.

    Attributes
    ----------
    least
        The smallest number that is allowed.
    """

    least: int

    def check(self, label: str, value: Any) -> int:  # noqa: D102
        return checks.whole(label, _plain(label, value), self.least)


@dataclass(frozen=True)
class FollowsStep(Value):
    """A learning rate: a number of at least 0 (traced), a schedule (its numbers are traced), or a function of the step.

    The rule is given a number, or a function of the step.
    """

    def check(self, label: str, value: Any) -> Any:  # noqa: D102
        if callable(value) or rates.is_schedule(value):
            return rates.check_rate(label, value)
        return rates.not_negative(label, _plain(label, value))


LearningRate = Annotated[Any, FollowsStep()]
NotNegative = Annotated[Any, Number()]
Share = Annotated[Any, Number(below=1)]
"""At least 0 and less than 1, such as the decay of a moving mean."""
ShareOrNone = Annotated[Any, Number(below=1, optional=True)]


def values_of(rule: Callable[..., Any]) -> Mapping[str, Value]:
    """What the numbers of a rule may be, by the names of the parameters; parameters that do not say are left out.

    Examples
    --------
    >>> def rule(learning_rate: LearningRate, power: float): ...
    >>> dict(values_of(rule))
    {'learning_rate': FollowsStep()}
    """
    try:
        return _read(rule)
    except TypeError:  # A rule without a hash, which is refused in a sentence of its own.
        return {}


# A sweep makes an optimizer per cell, and reading annotations takes as long as making one.
@functools.lru_cache(maxsize=64)
def _read(rule: Callable[..., Any]) -> Mapping[str, Value]:
    if isinstance(rule, Described):
        return rule.allowed
    try:
        parameters = inspect.signature(rule, eval_str=True).parameters
    except Exception:  # Annotations of a user's own factory may name what is not there.
        return {}
    found = {name: _value_in(parameter.annotation) for name, parameter in parameters.items()}
    return {name: value for name, value in found.items() if value is not None}


def _value_in(annotation: Any) -> Value | None:
    said = (one for one in get_args(annotation)[1:] if isinstance(one, Value))
    return next(said, None)


def _plain(label: str, value: Any) -> Any:
    if callable(value):
        raise InputError(f"{label} is {value!r}: only learning_rate may be a function of the step.")
    return value.item() if isinstance(value, jax.Array) and value.ndim == 0 else value
