"""Training on a sphere: an optimizer whose every step ends with the norm of the parameters put back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from memjax.checks.keywords import named
from memjax.errors import InputError
from memjax.jax_settings import wide
from memjax.optimizers.closed import is_closed_form
from memjax.optimizers.optimizer import Optimizer
from memjax.optimizers.values import Value
from memjax.optimizers.wrapping import Wrapper
from memjax.parameter_trees import alone
from memjax.types import Array, Params

__all__ = ["NormConstrained", "norm_constrained"]


class _State(NamedTuple):
    inner: Any
    norm: Array


@dataclasses.dataclass(frozen=True)
class _Norm(Value):
    def check(self, label: str, value: Any) -> float | None:
        if value is not None and not (isinstance(value, int | float | np.number) and np.isfinite(value) and value > 0):
            raise InputError(f"{label} is {value!r}: give a positive number, or None for the initial norm.")
        return None if value is None else float(value)


@dataclasses.dataclass(frozen=True)
class NormConstrained(Wrapper):
    """Factory of an optimizer under the constraint; equal for equal inner factories."""

    name: ClassVar[str] = "norm_constrained"
    own: ClassVar[Mapping[str, Value]] = {"norm": _Norm()}

    def __call__(self, norm: Any, **hyperparameters: Any) -> optax.GradientTransformation:
        """The transformation; a norm of None keeps the norm of the parameters at initialisation."""
        rule = self.inner(**hyperparameters)

        def init(params: Params) -> _State:
            return _State(rule.init(params), _norm(params) if norm is None else jnp.asarray(norm))

        def update(
            gradient: Params, state: _State, params: Params | None = None, *, live: Params | None = None, **_: Any
        ) -> tuple[Params, _State]:
            step, inner = rule.update(gradient, state.inner, params)
            step = alone(step, live)
            moved = optax.apply_updates(params, step)
            factor = state.norm / _norm(moved)
            back = jax.tree.map(lambda new, old: new * factor.astype(new.dtype) - old, moved, params)
            return back, _State(inner, state.norm)

        return optax.GradientTransformationExtraArgs(init, update)


def _norm(params: Params) -> Array:
    return optax.tree.norm(jax.tree.map(wide, params))


@named
def norm_constrained(optimizer: Optimizer, norm: float | None = None) -> Optimizer:
    """Train at a fixed L2 norm of all parameters, which is put back after every step of another optimizer.

    As in Z. Liu et al., "Omnigrok: grokking beyond algorithmic data" (2023), whose L and U curves are the train and the test
    loss that such training ends at, against the norm.

    Parameters
    ----------
    optimizer
        What makes the steps, such as `adam`. Its hyperparameters keep their names.
    norm
        The norm of all parameters, biases included; None keeps the norm of the initial parameters.

    Returns
    -------
    Optimizer
        With the hyperparameters of ``optimizer`` and the hyperparameter ``norm``.

    Raises
    ------
    InputError
        If ``optimizer`` is none, is constrained already, has noise, or ``norm`` is not positive.

    Examples
    --------
    >>> from memjax.optimizers import sgd
    >>> import jax.numpy as jnp
    >>> rule = norm_constrained(sgd(0.1), norm=5.0).transformation(steps=1)
    >>> params = jnp.array([3.0, 0.0])
    >>> step, _ = rule.update(jnp.array([0.0, -40.0]), rule.init(params), params)
    >>> (params + step).tolist()
    [3.0, 4.0]
    """
    if not isinstance(optimizer, Optimizer) or "norm" in optimizer.hyperparameters or optimizer.noisy:
        raise InputError(
            f"norm_constrained got {optimizer!r}: give an optimizer without noise and constraint, such as adam(3e-4)."
        )
    if is_closed_form(optimizer):
        raise InputError(
            "norm_constrained got closed_form(), which fits the parameters without steps that a norm could constrain: give an "
            "optimizer with steps, such as adam(3e-4), or an axis of the ridge of memjax.models.LeastSquares."
        )
    if optimizer.evaluate is not None:
        raise InputError(
            f"norm_constrained got {optimizer!r}, whose recorded network is an average: constrain the optimizer inside, as in "
            "averaged(norm_constrained(adam(3e-4)))."
        )
    if optimizer.built_in and optimizer.sees_objective:
        raise InputError(
            f"norm_constrained got {optimizer!r}, which looks at the objective without the constraint: give a rule that "
            "looks at the gradient alone, such as adam(3e-4)."
        )
    return Optimizer(NormConstrained(optimizer.factory), {**optimizer.hyperparameters, "norm": norm})
