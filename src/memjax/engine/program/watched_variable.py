"""The variable that a condition watches, checked before training."""

from __future__ import annotations

from typing import Any

import jax

from memjax.engine.program.outcome import record_schema
from memjax.engine.program.program import Program
from memjax.errors import InputError, cause, listing
from memjax.jax_settings import float_dtype

__all__ = ["check_condition"]


def check_condition(program: Program) -> None:
    """Raise `InputError` where the condition that stops a run watches no number of a record, or cannot be computed."""
    condition = program.stop_when
    if condition is None:
        return
    variables = record_schema(program).variables
    if condition.variable not in variables or variables[condition.variable].dims:
        known = [name for name, about in variables.items() if not about.dims]
        raise InputError(
            f"stop_when watches {condition.variable!r}, which is no number that the run records: use {listing(known)}, or add "
            "its measure to measures."
        )
    _check_not_empty(program)
    try:
        number = jax.ShapeDtypeStruct((), float_dtype())
        hyper = dict.fromkeys(program.traced, number)
        met, _ = jax.eval_shape(lambda h, v: _first_record(program.condition_with(h), v), hyper, number)
    except Exception as problem:
        raise InputError(f"stop_when is {condition!r}, which cannot be computed: {cause(problem)}") from problem
    if met.shape != () or met.dtype != bool:
        raise InputError(
            f"stop_when.met gave {met.dtype}{list(met.shape)}: it must give one truth value, and its memory."
        )


def _check_not_empty(program: Program) -> None:
    """Raise `InputError` where the condition watches a mean over the train set of runs that have none, which is always NaN."""
    empty = {one.variable("train") for one in program.measures if one.per_example and "train" in one.splits}
    if program.draws_fresh and program.stop_when.variable in empty:
        raise InputError(
            f"stop_when watches {program.stop_when.variable!r}, which is NaN in a run with train_size = 'fresh', for the run "
            "keeps no train example: use a variable of the test set, or step_loss."
        )


def _first_record(condition: Any, value: Any) -> Any:
    return condition.met(value, condition.begin())
