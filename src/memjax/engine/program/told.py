"""What a rule of optax is told beside the gradient: the value of the objective, the objective, and its gradient.

Only what a rule takes is given to it, so that a program whose rule takes nothing is the program that it was.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from memjax.engine.program.objective import StepData, descent, objective
from memjax.engine.program.program import Hyper, Program
from memjax.engine.program.vectors import held_shapes
from memjax.jax_settings import float_dtype, wide
from memjax.types import Array, Params

__all__ = ["Taken", "on_trial", "taken_by", "told"]

_NAMES = ("value", "grad", "value_fn", "grad_fn")


class Taken(NamedTuple):
    """Names of the arguments that a rule takes, and whether it reads the value, and calls one of the functions."""

    names: tuple[str, ...] = ()
    reads_value: bool = False
    calls: bool = False


def told(
    program: Program, hyper: Hyper, live: Any, data: StepData, loss: Array, gradient: Params, penalty: Array | None
) -> dict[str, Any]:
    """Arguments of a rule's update for a step of one run, by name.

    Parameters
    ----------
    data
        What the objective depends on; without examples where the rule calls no function.
    loss, gradient
        Mean loss without its scale, and gradient of the objective in the form of the loop.
    penalty
        The penalty, which is part of the objective; None for a run without one.
    """
    taken = taken_by(program)
    if not taken.names:
        return {}
    value = loss * hyper["loss_scale"].astype(loss.dtype) if taken.reads_value else loss
    if penalty is not None and taken.reads_value:
        value = value + penalty.astype(value.dtype)
    value_fn = _never if data.examples is None else objective(program, live, data)
    return _chosen(taken.names, value, gradient, value_fn, _gradient_of(value_fn))


def _never(params: Params) -> Array:
    raise AssertionError("The rule called a function that it did not call when it was tried.")


def _gradient_of(value_fn: Callable[[Params], Array]) -> Callable[..., Params]:
    return lambda params, *_: jax.tree.map(descent, jax.grad(value_fn)(params))


def _chosen(names: tuple[str, ...], *arguments: Any) -> dict[str, Any]:
    return {name: one for name, one in zip(_NAMES, arguments, strict=True) if name in names}


def taken_by(program: Program) -> Taken:
    """What the rule of a program takes: found by tracing its update, once per program."""
    return _taken_by(program, float_dtype().name) if program.optimizer.sees_objective else Taken()


@functools.lru_cache(maxsize=1024)
def _taken_by(program: Program, dtype: str) -> Taken:
    hyper = {path: jax.ShapeDtypeStruct((), dtype) for path in program.traced}
    held = held_shapes(program)
    exact = jax.tree.map(lambda leaf: jax.eval_shape(wide, leaf), held[0])
    for count in range(len(_NAMES), 0, -1):
        for names in itertools.combinations(_NAMES, count):
            found = _tried(program, names, hyper, exact, held[1])
            if found is not None:
                return found
    return Taken()


def _tried(program: Program, names: tuple[str, ...], hyper: Any, params: Any, state: Any) -> Taken | None:
    """What a rule takes of arguments of these names; None where it refuses them."""
    calls: list[Params] = []

    def update(value: Array, hyper: Hyper, params: Params, state: Any) -> Any:
        return program.rule_with(hyper).update(params, state, params, **_on_trial(names, value, params, calls))

    value = jax.ShapeDtypeStruct((), float_dtype())
    try:
        jaxpr = jax.make_jaxpr(update)(value, hyper, params, state).jaxpr
    except Exception:
        return None
    used = {id(one) for equation in jaxpr.eqns for one in equation.invars} | {id(one) for one in jaxpr.outvars}
    return Taken(names, id(jaxpr.invars[0]) in used, bool(calls))


def on_trial(program: Program, params: Params) -> dict[str, Any]:
    """Arguments for a first update that tries the rule of a program on a tree of parameters."""
    return _on_trial(taken_by(program).names, jnp.zeros((), float_dtype()), params, [])


def _on_trial(names: tuple[str, ...], value: Array, gradient: Params, calls: list[Params]) -> dict[str, Any]:
    def value_fn(params: Params) -> Array:
        calls.append(params)
        sums = (jnp.sum(leaf.real).astype(float_dtype()) for leaf in jax.tree.leaves(params))
        return sum(sums, start=jnp.zeros((), float_dtype()))

    return _chosen(names, value, gradient, value_fn, _gradient_of(value_fn))
