"""Check that a built-in model fits the kind of a task's inputs: quantities or tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from memjax.errors import InputError
from memjax.models.adapt import with_outputs
from memjax.models.tokens import vocabulary
from memjax.types import Model, PoolTask, Task, TokenTask

__all__ = ["check_inputs"]


def check_inputs(model: Any, task: Task) -> None:
    """Raise `InputError` where a model would treat tokens as quantities, or has too few tokens for the task.

    The attribute ``takes`` of a model says what its inputs are: "quantities" or "tokens". A model without the attribute is not
    checked. Integer inputs of a task without ``num_tokens`` are quantities, such as counts, unless the model takes tokens.
    """
    while isinstance(inside := getattr(model, "model", None), Model):
        model = inside
    kind, declared, takes = type(model).__name__, _declared(task), getattr(model, "takes", None)
    if takes == "quantities" and declared is not None:
        raise InputError(
            f"The inputs of {type(task).__name__} are {declared} tokens, whose numbers are names, and {kind} would take them "
            "for quantities: use memjax.models.EmbeddingMLP, QuadraticMLP or Transformer, your own model that embeds them, or "
            "one-hot vectors with memjax.tasks.from_arrays."
        )
    if takes == "tokens":
        (least, most), (tokens, _) = _range(task), vocabulary(with_outputs(model, task.num_outputs))
        if least < 0 or most >= tokens:
            raise InputError(
                f"The inputs of {type(task).__name__} are tokens from {least} to {most}, but {kind} has those from 0 to "
                f"{tokens - 1}: number them from 0, and give the model num_tokens={max(most, 0) + 1}."
            )


def _declared(task: Task) -> int | None:
    return task.num_tokens if isinstance(task, TokenTask) else None


def _range(task: Task) -> tuple[int, int]:
    """Smallest and largest token of a task; 0 and 0 if nothing is known before examples are drawn."""
    declared = _declared(task)
    if declared is not None:
        return 0, int(declared) - 1
    pool = np.asarray(task.pool) if isinstance(task, PoolTask) else np.zeros(1, int)
    # Inputs that are not integers are refused elsewhere.
    whole = np.issubdtype(pool.dtype, np.integer) and pool.size
    return (int(pool.min()), int(pool.max())) if whole else (0, 0)
