"""The penalty that training adds to the loss."""

from __future__ import annotations

from collections.abc import Callable

from memjax.examples import Examples
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, Params

__all__ = ["penalty"]


def _penalty(params: Params, apply: Apply, examples: Examples, *, penalty: Callable[[Params], Array]) -> Array:
    del apply, examples
    return penalty(params)


penalty = Measure(_penalty, "penalty", long_name="penalty")
"""Value of the penalty of the experiment at the recorded parameters, in units of the loss; 0 without a penalty.

Examples
--------
>>> import jax.numpy as jnp
>>> import memjax as mj
>>> params = {"kernel": jnp.array([3.0, 4.0])}
>>> squares = lambda params: 0.1 * (params["kernel"] ** 2).sum()
>>> float(mj.measures.penalty.function(params, None, None, penalty=squares))
2.5
"""
