"""Optimizers around an optimizer: what they have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import optax

from memjax.errors import InputError
from memjax.optimizers.closed import is_closed_form
from memjax.optimizers.optimizer import Optimizer
from memjax.optimizers.values import Described, Value, values_of

__all__ = ["Wrapper", "check_inner"]


@dataclasses.dataclass(frozen=True)
class Wrapper(Described):
    """Factory of an optimizer around another factory; equal for equal inner factories.

    A class has ``name``, that of the public function that makes the optimizer, and ``own``, what its own numbers may be.
    """

    inner: Callable[..., optax.GradientTransformation]

    name: ClassVar[str]
    own: ClassVar[Mapping[str, Value]]

    @property
    def __name__(self) -> str:
        return self.name

    @property
    def allowed(self) -> Mapping[str, Value]:
        """What the inner factory says of its numbers, and what this one does of its own."""
        return {**values_of(self.inner), **self.own}

    def rule(self, hyperparameters: Mapping[str, Any]) -> optax.GradientTransformationExtraArgs:
        """The inner transformation."""
        return optax.with_extra_args_support(self.inner(**hyperparameters))


def check_inner(kind: type[Wrapper], optimizer: Any, such_as: str) -> None:
    """Raise `InputError` where an optimizer cannot be wrapped; ``such_as`` ends the sentence."""
    if not isinstance(optimizer, Optimizer) or optimizer.noisy or is_closed_form(optimizer):
        raise InputError(f"{kind.name} got {optimizer!r}: give an optimizer with steps and without noise, {such_as}.")
    if optimizer.evaluate is not None:
        raise InputError(
            f"{kind.name} got {optimizer!r}, whose recorded network is an average already: give an optimizer without "
            f"one, {such_as}."
        )
    for name in kind.own.keys() & optimizer.hyperparameters.keys():
        raise InputError(
            f"{kind.name} got {optimizer!r}, which has a hyperparameter {name!r} of its own: give another optimizer, {such_as}."
        )
