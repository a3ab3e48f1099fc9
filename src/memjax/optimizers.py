"""Optimizers: optax transformations whose numbers are traced, so that sweeping one compiles nothing.

Each factory returns an `Optimizer`, a named set of hyperparameters; the optax transformation is built from it inside
the compiled step, with the swept numbers in place. ``l2`` is coupled (added to the gradient before the optimizer sees
it, as PyTorch's ``Adam(weight_decay=...)``); ``weight_decay`` of `adamw` is decoupled (Loshchilov and Hutter 2019).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import optax
from flax.core import FrozenDict

from memjax.checks import number
from memjax.errors import InputError
from memjax.schedules import Schedule, constant, cosine, linear, warmup, warmup_cosine

__all__ = [
    "Optimizer",
    "adam",
    "adamw",
    "constant",
    "cosine",
    "from_optax",
    "linear",
    "rmsprop",
    "sgd",
    "warmup",
    "warmup_cosine",
]

Rate = float | Schedule


@dataclass(frozen=True)
class Optimizer:
    """An optax factory with its hyperparameters; made by `adam`, `sgd`, `from_optax` and the like.

    Attributes
    ----------
    factory
        Called inside the compiled step with the hyperparameters as keywords; a learning rate that follows a schedule
        arrives as a function of the step.
    hyperparameters
        Numbers with a fraction (traced), schedules (their numbers traced), and anything else (structure).
    """

    factory: Callable[..., optax.GradientTransformation]
    hyperparameters: Mapping[str, Any] = field(default_factory=FrozenDict, metadata={"traced": True})

    def __post_init__(self) -> None:
        checked = {name: self._check(name, value) for name, value in self.hyperparameters.items()}
        object.__setattr__(self, "hyperparameters", FrozenDict(checked))
        if checked.get("nesterov") and self.factory is _sgd and checked["momentum"] is None:
            raise InputError("sgd.nesterov is True, but momentum is None: give a momentum, such as 0.9.")

    def _check(self, name: str, value: Any) -> Any:
        """Check one hyperparameter; numbers of the built-in optimizers become floats, for they are traced as such."""
        if self.factory not in (_adam, _adamw, _sgd, _rmsprop):
            return number(f"{self.name}.{name}", value) if isinstance(value, float) else value
        if name == "nesterov" or (value is None and name in ("momentum", "clip_norm")):
            return value
        if name == "learning_rate" and isinstance(value, Schedule):
            return value
        if callable(value):
            raise InputError(
                f"{self.name}.{name} is the function {value!r}: use a schedule of memjax.schedules, or take the whole "
                "optimizer with from_optax."
            )
        return float(number(f"{self.name}.{name}", value))

    @property
    def name(self) -> str:
        """Name of the factory."""
        return getattr(self.factory, "__name__", "optimizer").removeprefix("_")

    def transformation(self, steps: int) -> optax.GradientTransformation:
        """Build the optax transformation for a run of ``steps`` updates.

        Examples
        --------
        >>> import numpy as np
        >>> rule = sgd(0.5).transformation(steps=10)
        >>> update, _ = rule.update(np.float32(2.0), rule.init(np.float32(0.0)), np.float32(0.0))
        >>> float(update)
        -1.0
        """
        return self.factory(**{name: _settle(value, steps) for name, value in self.hyperparameters.items()})

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.hyperparameters.items())
        return f"{self.name}({inside})"


def _settle(value: Any, steps: int) -> Any:
    # Arrays have an attribute `at` too, so the protocol alone would take a traced number for a schedule.
    follows = isinstance(value, Schedule) and not isinstance(value, jax.Array | np.ndarray)
    return (lambda count: value.at(count, steps)) if follows else value


def _clipped(clip_norm: float | None, *rules: optax.GradientTransformation) -> optax.GradientTransformation:
    clip = [] if clip_norm is None else [optax.clip_by_global_norm(clip_norm)]
    return optax.chain(*clip, *rules)


def _adam(learning_rate: Any, l2: Any, clip_norm: Any, **moments: Any) -> optax.GradientTransformation:
    return _clipped(clip_norm, optax.add_decayed_weights(l2), optax.adam(learning_rate, **moments))


def _adamw(learning_rate: Any, clip_norm: Any, **rest: Any) -> optax.GradientTransformation:
    return _clipped(clip_norm, optax.adamw(learning_rate, **rest))


def _sgd(learning_rate: Any, l2: Any, clip_norm: Any, **rest: Any) -> optax.GradientTransformation:
    return _clipped(clip_norm, optax.add_decayed_weights(l2), optax.sgd(learning_rate, **rest))


def _rmsprop(learning_rate: Any, l2: Any, clip_norm: Any, **rest: Any) -> optax.GradientTransformation:
    return _clipped(clip_norm, optax.add_decayed_weights(l2), optax.rmsprop(learning_rate, **rest))


def adam(
    learning_rate: Rate = 1e-3,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    l2: float = 0.0,
    clip_norm: float | None = None,
) -> Optimizer:
    """Adam (Kingma and Ba 2015) with coupled L2, as `optax.adam` and PyTorch's ``Adam``.

    Parameters
    ----------
    learning_rate
        A number or a schedule.
    b1, b2, eps
        Decay of the first and second moments, and the number added to the denominator.
    l2
        Coupled L2: ``l2 * parameters`` is added to the gradient first.
    clip_norm
        Largest global norm of the gradient; None does not clip. Clipping comes before L2.

    Examples
    --------
    >>> adam(3e-4).hyperparameters["learning_rate"]
    0.0003
    """
    return Optimizer(_adam, dict(learning_rate=learning_rate, b1=b1, b2=b2, eps=eps, l2=l2, clip_norm=clip_norm))


def adamw(
    learning_rate: Rate = 1e-3,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    clip_norm: float | None = None,
) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), as `optax.adamw` with PyTorch's default decay."""
    numbers = dict(learning_rate=learning_rate, b1=b1, b2=b2, eps=eps, weight_decay=weight_decay, clip_norm=clip_norm)
    return Optimizer(_adamw, numbers)


def sgd(
    learning_rate: Rate = 1e-1,
    *,
    momentum: float | None = None,
    nesterov: bool = False,
    l2: float = 0.0,
    clip_norm: float | None = None,
) -> Optimizer:
    """Gradient descent with optional (Nesterov) momentum and coupled L2, as `optax.sgd`."""
    numbers = dict(learning_rate=learning_rate, momentum=momentum, l2=l2, clip_norm=clip_norm, nesterov=nesterov)
    return Optimizer(_sgd, numbers)


def rmsprop(
    learning_rate: Rate = 1e-3,
    *,
    decay: float = 0.9,
    eps: float = 1e-8,
    momentum: float | None = None,
    l2: float = 0.0,
    clip_norm: float | None = None,
) -> Optimizer:
    """RMSProp, as `optax.rmsprop` (``eps`` inside the square root), with coupled L2."""
    numbers = dict(learning_rate=learning_rate, decay=decay, eps=eps, momentum=momentum, l2=l2, clip_norm=clip_norm)
    return Optimizer(_rmsprop, numbers)


def from_optax(factory: Callable[..., optax.GradientTransformation], **hyperparameters: Any) -> Optimizer:
    """Take any optax-style factory as it is; its numbers are traced and can be swept by name.

    Parameters
    ----------
    factory
        Called with the hyperparameters as keywords; must return a gradient transformation.
    hyperparameters
        Floats are traced, schedules of `memjax.schedules` become functions of the step, the rest is structure.

    Raises
    ------
    InputError
        If the factory does not take one of the names.

    Examples
    --------
    >>> from_optax(optax.lion, learning_rate=1e-4, b1=0.95)
    lion(learning_rate=0.0001, b1=0.95)
    """
    try:
        inspect.signature(factory).bind(**hyperparameters)
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"The factory {factory!r} cannot be called with {sorted(hyperparameters)}: {problem}."
        ) from None
    return Optimizer(factory, hyperparameters)
