"""The training loss of one run as the plan sees it: a function that can be traced, and the shapes of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from memjax.engine.program.clipped import gradient_sum
from memjax.engine.program.forward import training_shapes
from memjax.engine.program.fresh import fresh_tile, source_shapes
from memjax.engine.program.objective import loss_sum
from memjax.engine.program.program import Hyper, Program
from memjax.types import Array, Params

__all__ = ["traced_gradient", "traced_loss"]


def traced_loss(program: Program, hyper: Hyper, count: int) -> tuple[Callable[..., Array], Hyper, Any]:
    """The loss summed over ``count`` examples of a step, with shape structs of its arguments behind the parameters.

    Parameters
    ----------
    program, hyper
        The program, and shape structs of the numbers of a run.
    count
        Number of examples.

    Returns
    -------
    tuple
        A function ``(params, hyper, given)``, and shape structs of ``hyper`` and of ``given``: the tile of the examples, or
        where every step draws them, their source.
    """
    total = loss_sum(program)
    hyper, tile = training_shapes(program, hyper, count)
    source: Any = source_shapes(program)
    if source is None:
        return total, hyper, tile

    def with_draw(params: Params, hyper: Hyper, source: Any) -> Array:
        return total(params, hyper, fresh_tile(program, hyper, source, count))

    return with_draw, hyper, source


def traced_gradient(program: Program, hyper: Hyper, count: int) -> tuple[Callable[..., Any], Hyper, Any]:
    """The gradient of `traced_loss` by the parameters, with the loss, and clipped where the rule takes clipped gradients."""
    total, shapes, given = traced_loss(program, hyper, count)
    if not program.optimizer.clips_examples:
        return jax.value_and_grad(total), shapes, given
    clipped = gradient_sum(program)
    if program.stream is None:
        return clipped, shapes, given
    return lambda p, h, source: clipped(p, h, fresh_tile(program, h, source, count)), shapes, given
