"""The parameters that are measured and kept, where these are not the ones from which training goes on."""

from __future__ import annotations

import functools
from typing import Any

import jax

from memjax.engine.program.program import Program
from memjax.jax_settings import wide
from memjax.types import Params

__all__ = ["evaluated"]


def evaluated(program: Program, state: Any) -> Any:
    """The state of a block with the parameters that are measured, such as an average, in any form that the loop has."""
    if not program.evaluates:
        return state
    params = jax.vmap(functools.partial(_of_one, program))(state.opt_state, state.params)
    return state._replace(params=params)


def _of_one(program: Program, opt_state: Any, params: Params) -> Params:
    """Parameters of one run that are measured, in the dtypes of those from which training goes on."""
    found = program.optimizer.evaluate(opt_state, jax.tree.map(wide, params))
    return jax.tree.map(lambda new, old: new.astype(old.dtype), found, params)
