"""What a condition, a choice of the best network, and folds of presentations watch, checked before training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from memjax.engine.program.outcome import record_schema
from memjax.engine.program.program import Program
from memjax.errors import InputError, cause, listing
from memjax.jax_settings import float_dtype
from memjax.optimizers.closed import is_closed_form

__all__ = ["check_watched"]


def check_watched(program: Program) -> None:
    """Raise `InputError` where ``stop_when`` or ``keep_best`` watches no number of a record, or a run has no presentations."""
    if program.stop_when is not None:
        _check_variable(program, "stop_when", program.stop_when.variable)
        met, _ = _tried(program, "stop_when", lambda h, v: _first_record(program.condition_with(h), v))
        if not _is_truth(met):
            raise InputError(
                f"stop_when.met gave {met.dtype}{list(met.shape)}: it must give one truth value, and its memory."
            )
    if program.keep_best is not None:
        _check_variable(program, "keep_best", program.keep_best.variable)
        better = _tried(program, "keep_best", lambda h, v: program.best_with(h).better(v, v))
        if not _is_truth(better):
            raise InputError(
                f"keep_best.better gave {getattr(better, 'dtype', type(better).__name__)}"
                f"{list(getattr(better, 'shape', []))}: it must give one truth value."
            )
    _check_presented(program)


def _check_presented(program: Program) -> None:
    for part in program.presented:
        asks = sorted(part.measure.asks - {"loss"})
        if asks:
            raise InputError(
                f"examples holds {part.name!r} at presentations, whose measure asks for {listing(asks)}: a "
                "training step offers a measure nothing but the loss, so take the value at records."
            )
    if program.presented and is_closed_form(program.optimizer):
        raise InputError(
            f"examples holds {program.presented[0].name!r}, which looks at the steps of a training, but closed_form fits in "
            "one step that presents no example: leave it out, or take a value at examples_at."
        )


def _check_variable(program: Program, field: str, name: str) -> None:
    variables = record_schema(program).variables
    if name not in variables or variables[name].dims:
        known = [name for name, about in variables.items() if not about.dims]
        raise InputError(
            f"{field} watches {name!r}, which is no number that the run records: use {listing(known)}, or add its measure to "
            "measures."
        )
    _check_not_empty(program, field, name)


def _tried(program: Program, field: str, function: Callable[[Any, Any], Any]) -> Any:
    """Shape structs of what a function of a run's numbers and of the variable gives."""
    number = jax.ShapeDtypeStruct((), float_dtype())
    try:
        return jax.eval_shape(function, dict.fromkeys(program.traced, number), number)
    except Exception as problem:
        raise InputError(
            f"{field} is {getattr(program, field)!r}, which cannot be computed: {cause(problem)}"
        ) from problem


def _is_truth(value: Any) -> bool:
    return getattr(value, "shape", None) == () and value.dtype == bool


def _check_not_empty(program: Program, field: str, name: str) -> None:
    """Raise `InputError` where a mean over the train set is watched of runs that have none, which is always NaN."""
    empty = {one.variable("train") for one in program.measures if one.per_example and "train" in one.splits}
    if program.draws_fresh and name in empty:
        raise InputError(
            f"{field} watches {name!r}, which is NaN in a run with train_size = 'fresh', for the run keeps no train example: "
            "use a variable of the test set, or step_loss."
        )


def _first_record(condition: Any, value: Any) -> Any:
    return condition.met(value, condition.begin())
