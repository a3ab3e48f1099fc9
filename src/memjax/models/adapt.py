"""What a model may be: a built-in, a Linen module, an NNX factory, or a pair of functions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memjax.checks import takes_one
from memjax.errors import InputError
from memjax.types import Array, Model, Params

__all__ = ["NNX", "FunctionPair", "as_model", "with_outputs"]


@dataclass(frozen=True)
class FunctionPair:
    """A model from two functions, ``init(key, x) -> params`` and ``apply(params, x) -> outputs``."""

    init_fn: Callable[[Array, Array], Params]
    apply_fn: Callable[[Params, Array], Array]

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters."""
        return self.init_fn(key, x)

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs for inputs ``x[B, ...]``."""
        return self.apply_fn(params, x)


@dataclass(frozen=True)
class NNX:
    """A model from an NNX factory, ``factory(rngs) -> nnx.Module``; parameters are its ``nnx.Param`` state.

    The module must be a pure function of its parameters: dropout and batch statistics have no place in a sweep whose
    runs do not depend on their company.
    """

    factory: Callable[[Any], Any]

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters."""
        from flax import nnx

        del x
        _, params, _ = nnx.split(self.factory(nnx.Rngs(key)), nnx.Param, ...)
        return nnx.to_pure_dict(params)

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs for inputs ``x[B, ...]``."""
        from flax import nnx

        graph, state, rest = nnx.split(nnx.eval_shape(lambda: self.factory(nnx.Rngs(0))), nnx.Param, ...)
        nnx.replace_by_pure_dict(state, params)
        # What is not a parameter (the counters of the rngs) is never read by a pure module.
        return nnx.merge(graph, state, rest)(x)


def as_model(model: Any) -> Model:
    """Accept anything that can serve as a model.

    Parameters
    ----------
    model
        An object with ``init(key, x)`` and ``apply(params, x)`` (the built-ins, any Linen module), a pair of such
        functions, or an NNX factory ``rngs -> module``.

    Raises
    ------
    InputError
        If it is none of these.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> line = as_model((lambda key, x: jnp.zeros(x.shape[1]), lambda params, x: x @ params[:, None]))
    >>> line.apply(jnp.ones(2), jnp.array([[1.0, 2.0]])).tolist()
    [[3.0]]
    """
    if isinstance(model, Model) and not isinstance(model, type):
        return model
    if isinstance(model, tuple | list) and len(model) == 2 and all(callable(part) for part in model):
        return FunctionPair(*model)
    forgotten = isinstance(model, type) and hasattr(model, "init") and hasattr(model, "apply")
    if callable(model) and not forgotten and takes_one(model):
        return NNX(model)
    raise InputError(
        f"The model {model!r} cannot be used: give a model of memjax.models, a Linen module, an NNX factory that takes "
        "rngs, or a pair of functions (init(key, x), apply(params, x))."
    )


def with_outputs(model: Model, num_outputs: int) -> Model:
    """Give a model that leaves its ``outputs`` open the width that the task calls for."""
    if dataclasses.is_dataclass(model) and getattr(model, "outputs", 0) is None:
        return dataclasses.replace(model, outputs=num_outputs)
    return model
