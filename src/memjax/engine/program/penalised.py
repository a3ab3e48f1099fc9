"""The penalty of a run, as a function of its parameters alone, and its gradient in a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from memjax.checks.asked import OF_PENALTIES, asked_by
from memjax.engine.program.program import Hyper, Program
from memjax.engine.program.vectors import as_held_one, as_tree_one
from memjax.jax_settings import wide
from memjax.parameter_trees import alone
from memjax.types import Array, Params

__all__ = ["penalty_and_slope", "penalty_of"]


def penalty_of(program: Program, hyper: Hyper, initial: Any) -> Callable[[Params], Array]:
    """The penalty of one run as a function of a tree of parameters; zero for a run without a penalty."""
    if program.penalty is None:
        return lambda params: jnp.zeros(())
    asked = asked_by(program.penalty, OF_PENALTIES)
    given: dict[str, Any] = {"initial": initial} if "initial" in asked else {}
    given |= {"model": program.model_with(hyper)} if "model" in asked else {}
    given |= {"apply": program.apply_with(hyper)} if "apply" in asked else {}
    penalty = program.penalty_with(hyper)
    return lambda params: wide(jnp.asarray(penalty(params, **given)))


def penalty_and_slope(program: Program, hyper: Hyper, live: Any, held: Params, initial: Any) -> tuple[Array, Params]:
    """The penalty of one run and its derivative, from parameters in the form of the loop; zero in padding."""
    value, slope = jax.value_and_grad(penalty_of(program, hyper, initial))(as_tree_one(program, held))
    return value, alone(as_held_one(program, jax.tree.map(wide, slope)), live)
