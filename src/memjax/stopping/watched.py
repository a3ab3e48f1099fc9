"""The name of the variable that a condition or a choice of the best network watches."""

from __future__ import annotations

from typing import Any

from memjax.errors import InputError

__all__ = ["check_variable"]


def check_variable(watching: Any) -> None:
    """Raise `InputError` unless ``watching.variable`` can be the name of a recorded variable."""
    if not isinstance(watching.variable, str) or not watching.variable.isidentifier():
        raise InputError(
            f"{type(watching).__name__}.variable is {watching.variable!r}: give the name of a recorded variable, such as "
            "'train_accuracy'."
        )
