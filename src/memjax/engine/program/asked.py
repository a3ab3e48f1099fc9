"""What a measure sees of its run beside parameters and examples, and the measure with what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from memjax.engine.program.penalised import penalty_of
from memjax.engine.program.program import Hyper, Program
from memjax.jax_settings import wide
from memjax.measures.measure import Measure
from memjax.types import Params

__all__ = ["Seen", "bound", "first_seen", "seen_of_runs", "shown"]


class Seen(NamedTuple):
    """What runs offer to measures; None for all that no measure asks for, so that programs without it stay as they are.

    Attributes
    ----------
    initial
        Initial parameters, a tree.
    step
        Steps done, ``int32``.
    opt_state
        State of the optax transformation for the tree of parameters.
    """

    initial: Any = None
    step: Any = None
    opt_state: Any = None


def seen_of_runs(program: Program, data: Any, state: Any) -> Seen:
    """What all runs of a block offer, with a leading axis R; ``state`` is outside the form of the loop."""
    return Seen(
        data.initial if "initial" in program.asks else None,
        state.stop_step if program.asks & {"step", "learning_rate"} else None,
        state.opt_state if "opt_state" in program.asks else None,
    )


def first_seen(program: Program, params: Params, hyper: Hyper) -> Seen:
    """What a run offers before its first step, to try its measures."""
    key = jnp.zeros(2, jnp.uint32)
    state = program.first_state(params, key, hyper) if "opt_state" in program.asks else None
    return Seen(params, jnp.int32(0), state)


def bound(program: Program, measure: Measure, hyper: Hyper, seen: Seen, live: Any = None) -> Callable[..., Any]:
    """The function of a measure of one run with what it asks for.

    Raises
    ------
    InputError
        If the measure asks for the learning rate, and the optimizer has none.
    """
    given: dict[str, Any] = {"initial": seen.initial, "step": seen.step, "opt_state": seen.opt_state}
    if "model" in measure.asks:
        given["model"] = program.model_with(hyper)
    if "learning_rate" in measure.asks:
        rate = program.optimizer_with(hyper).rate_at(seen.step, program.steps, f"The measure {measure.name!r}")
        given["learning_rate"] = wide(jnp.asarray(rate))
    if "penalty" in measure.asks:
        given["penalty"] = penalty_of(program, hyper, seen.initial)
    return measure.bind(program.loss_with(hyper), live, **given)


def shown(program: Program, state: Any) -> Any:
    """A training state, as a tree, as what is measured between segments takes it."""
    return state if program.shows_state else state._replace(opt_state=None)
