"""What to say of an exception of a user's measure, where the run knows more of the matter than the exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memjax.errors import cause, shown
from memjax.parameter_trees import layout_of

__all__ = ["fault_of"]

_MOST = 12
_METHODS = {
    "hidden_activations": "hidden_activations(params, x), which gives a dict of arrays [B, m] by layer",
    "outputs_from": "outputs_from(params, layer, h), which gives the outputs that follow from a hidden layer",
}


def fault_of(problem: BaseException | None, params: Any, model: Any) -> str | None:
    """What failed and what to do, to end a sentence with; None where the exception says as much.

    Examples
    --------
    >>> import numpy as np
    >>> fault_of(KeyError("kernel"), {"layer_0": {"bias": np.zeros(2)}}, None)
    "KeyError: 'kernel', and params has the keys ['layer_0'], with the arrays layer_0.bias."
    """
    if isinstance(problem, KeyError) and isinstance(params, Mapping):
        return f"{cause(problem)[:-1]}, and params has the keys {list(params)}, with the arrays {_arrays(params)}."
    if isinstance(problem, AttributeError):
        for name, method in _METHODS.items():
            if name in str(problem).split("\n")[0] and not hasattr(model, name):
                return f"the model {shown(model)} has no {name}: give your model a method {method}; see docs/adding/model.md."
    return None


def _arrays(params: Any) -> str:
    paths = [".".join(path) for path, _ in layout_of(params)]
    more = f" and {len(paths) - _MOST} more" if len(paths) > _MOST else ""
    return ", ".join(paths[:_MOST]) + more
