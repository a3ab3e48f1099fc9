"""Optimizers whose recorded network is an average of the iterates: a moving average, and schedule-free training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax

from memjax.checks.keywords import named
from memjax.errors import InputError
from memjax.optimizers.optimizer import Optimizer
from memjax.optimizers.values import Flag, Number, Value
from memjax.optimizers.wrapping import Wrapper, check_inner
from memjax.parameter_trees import alone
from memjax.types import Array, Params

__all__ = ["Averaged", "ScheduleFree", "averaged", "schedule_free"]


class _State(NamedTuple):
    """State of the inner rule, the average, and the sum of its weights, which is None where that is 1."""

    inner: Any
    average: Params
    weight: Array | None


@dataclasses.dataclass(frozen=True)
class _Inside(Number):
    """A number between 0 and 1, without the ends."""

    below: float = 1

    def check(self, label: str, value: Any) -> float | None:
        found = super().check(label, value)
        if not found:
            raise InputError(f"{label} is {value!r}: give a number of more than 0 and less than 1.")
        return found


@dataclasses.dataclass(frozen=True)
class Averaged(Wrapper):
    """Factory of an optimizer that keeps an exponential moving average of its iterates."""

    name: ClassVar[str] = "averaged"
    own: ClassVar[Mapping[str, Value]] = {"average_decay": Number(below=1), "debias": Flag()}

    def __call__(self, average_decay: Any, debias: bool, **hyperparameters: Any) -> optax.GradientTransformation:
        """The transformation; its iterates are those of the inner one."""
        rule = self.rule(hyperparameters)

        def init(params: Params) -> _State:
            begun = jax.tree.map(jnp.zeros_like, params) if debias else jax.tree.map(jnp.asarray, params)
            return _State(rule.init(params), begun, jnp.zeros(()) if debias else None)

        def update(
            gradient: Params, state: _State, params: Params | None = None, *, live: Any = None, **extra: Any
        ) -> tuple[Params, _State]:
            extra |= {} if live is None else {"live": live}
            updates, inner = rule.update(gradient, state.inner, params, **extra)
            moved = alone(optax.apply_updates(params, updates), live)
            mixed = lambda old, new: old + (1 - average_decay) * (new - old)  # noqa: E731
            weight = None if state.weight is None else mixed(state.weight, 1)
            return updates, _State(inner, jax.tree.map(mixed, state.average, moved), weight)

        return optax.GradientTransformationExtraArgs(init, update)


def _average(state: _State, params: Params) -> Params:
    """The average so far; before the first step the parameters."""
    if state.weight is None:
        return state.average
    begun, weight = state.weight > 0, jnp.where(state.weight > 0, state.weight, 1)
    return jax.tree.map(
        lambda mean, own: jnp.where(begun, mean / weight.astype(mean.dtype), own), state.average, params
    )


@named
def averaged(optimizer: Optimizer, average_decay: float = 0.999, *, debias: bool = False) -> Optimizer:
    """Record the exponential moving average of the iterates of an optimizer (Polyak and Juditsky 1992).

    After a step to the parameters ``w`` the average is ``decay * average + (1 - decay) * w``. Records, values of single
    examples, conditions that stop a run, and snapshots are those of the average. Training goes on from the iterates
    themselves, which the average does not change.

    Parameters
    ----------
    optimizer
        What makes the steps, such as `adam`. Its hyperparameters keep their names.
    average_decay
        Decay of the average, at least 0 and less than 1. With 0 the average is the last iterate. Traced.
    debias
        Whether the average begins at zero and is divided by the sum of its weights, as Adam's moments are: then the initial
        parameters have no share in the average. Otherwise the average begins at the initial parameters.

    Returns
    -------
    Optimizer
        With the hyperparameters of ``optimizer``, ``average_decay`` and ``debias``.

    Raises
    ------
    InputError
        If ``optimizer`` is none, has noise or an average already, has no steps, or ``average_decay`` is out of its range.

    References
    ----------
    B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
    Optimization, 1992.

    Examples
    --------
    >>> from memjax.optimizers import sgd
    >>> rule = averaged(sgd(1.0), average_decay=0.75).transformation(steps=1)
    >>> step, state = rule.update(jnp.float32(-4.0), rule.init(jnp.float32(0.0)), jnp.float32(0.0))
    >>> float(step), float(state.average)
    (4.0, 1.0)
    """
    check_inner(Averaged, optimizer, "such as adam(3e-4)")
    own = {"average_decay": average_decay, "debias": debias}
    return Optimizer(Averaged(optimizer.factory), {**optimizer.hyperparameters, **own}, _average)


@dataclasses.dataclass(frozen=True)
class ScheduleFree(Wrapper):
    """Factory of an optimizer without a schedule, after `optax.contrib.schedule_free`."""

    name: ClassVar[str] = "schedule_free"
    own: ClassVar[Mapping[str, Value]] = {"interpolation": _Inside(), "weight_power": Number()}

    def __call__(self, interpolation: Any, weight_power: Any, **hyperparameters: Any) -> optax.GradientTransformation:
        """The transformation, whose parameters are the points at which gradients are taken."""
        return optax.contrib.schedule_free(
            self.rule(hyperparameters), hyperparameters["learning_rate"], interpolation, weight_power
        )


def _evaluated(state: Any, params: Params) -> Params:
    found: Params = optax.contrib.schedule_free_eval_params(state, params)
    return found


@named
def schedule_free(optimizer: Optimizer, *, interpolation: float = 0.9, weight_power: float = 2.0) -> Optimizer:
    """Schedule-free training (Defazio et al. 2024), as `optax.contrib.schedule_free`.

    The optimizer moves a point ``z``; gradients are taken at ``y = (1 - interpolation) z + interpolation x``, where ``x`` is a
    weighted mean of the points ``z``. Records, values of single examples, conditions that stop a run, and snapshots are those
    of ``x``. Give an optimizer without momentum, such as ``sgd(0.1)`` or ``adam(1e-3, b1=0.0)``, because the mean takes the
    place of momentum. A warmup of the learning rate is of use, and a decay is not.

    Parameters
    ----------
    optimizer
        What moves the point, with a hyperparameter ``learning_rate``. Its hyperparameters keep their names.
    interpolation
        Share of the mean in the point at which gradients are taken, optax's ``b1``: more than 0 and less than 1. Traced.
    weight_power
        Power of the largest learning rate so far that is the weight of a point in the mean, at least 0. Traced.

    Returns
    -------
    Optimizer
        With the hyperparameters of ``optimizer``, ``interpolation`` and ``weight_power``.

    Raises
    ------
    InputError
        If ``optimizer`` is none, has no learning rate, has noise or an average already, or a number is out of its range.

    References
    ----------
    A. Defazio, X. Yang, H. Mehta, K. Mishchenko, A. Khaled and A. Cutkosky, "The road less scheduled", 2024.

    Examples
    --------
    >>> from memjax.optimizers import sgd
    >>> schedule_free(sgd(0.5), interpolation=0.95).hyperparameters["interpolation"]
    0.95
    """
    such_as = "such as sgd(0.1)"
    check_inner(ScheduleFree, optimizer, such_as)
    if optimizer.hyperparameters.get("learning_rate") is None:
        raise InputError(
            f"schedule_free got {optimizer!r}, which has no learning_rate: give another optimizer, {such_as}."
        )
    own = {"interpolation": interpolation, "weight_power": weight_power}
    return Optimizer(ScheduleFree(optimizer.factory), {**optimizer.hyperparameters, **own}, _evaluated)
