"""L-BFGS: the step follows the curvature of the last steps, and its length is searched."""

from __future__ import annotations

from typing import Annotated, Any

import optax

from memjax.checks.keywords import named
from memjax.optimizers.optimizer import Optimizer
from memjax.optimizers.values import Whole
from memjax.types import Array, Params

__all__ = ["lbfgs"]

Count = Annotated[Any, Whole(1)]


def _lbfgs(memory_size: Count, most_evaluations: Count) -> optax.GradientTransformation:
    search = optax.scale_by_zoom_linesearch(max_linesearch_steps=most_evaluations, initial_guess_strategy="one")
    rule = optax.lbfgs(memory_size=memory_size, linesearch=search)

    def update(
        gradient: Params,
        state: Any,
        params: Params | None = None,
        *,
        value: Array,
        grad: Params,
        value_fn: Any,
        **_: Any,
    ) -> tuple[Params, Any]:
        moved: tuple[Params, Any] = rule.update(gradient, state, params, value=value, grad=grad, value_fn=value_fn)
        return moved

    return optax.GradientTransformationExtraArgs(rule.init, update)


@named
def lbfgs(*, memory_size: int = 10, most_evaluations: int = 20) -> Optimizer:
    """L-BFGS (Liu and Nocedal 1989) with a zoom line search, as `optax.lbfgs`.

    A step costs a gradient, and up to ``most_evaluations`` more in the search for its length. The search looks at the examples
    of the step, so leave ``batch_size`` at None: then the objective is one function, whose curvature the memory can learn. The
    searches of the runs of a block go on until the longest of them has ended.

    Parameters
    ----------
    memory_size
        Number of past steps and changes of the gradient that are kept, at least 1; the state holds two copies of the parameters
        for each. Structure.
    most_evaluations
        Largest number of gradients in the search of one step, at least 1. Structure.

    Returns
    -------
    Optimizer
        There is no learning rate.

    Raises
    ------
    InputError
        If a number is not a whole number of at least 1.

    References
    ----------
    D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming, 1989.

    Examples
    --------
    >>> lbfgs(memory_size=5)
    lbfgs(memory_size=5, most_evaluations=20)
    """
    return Optimizer(_lbfgs, dict(memory_size=memory_size, most_evaluations=most_evaluations))
