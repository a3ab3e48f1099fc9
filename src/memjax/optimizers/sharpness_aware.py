"""Sharpness-aware minimisation: the gradient is taken at the worst point nearby."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from memjax.checks.keywords import named
from memjax.errors import InputError
from memjax.optimizers.optimizer import Optimizer
from memjax.optimizers.values import Number, Value
from memjax.optimizers.wrapping import Wrapper, check_inner
from memjax.parameter_trees import norm
from memjax.types import Params

__all__ = ["SharpnessAware", "sam"]

_SUCH_AS = "such as sgd(0.1)"


@dataclasses.dataclass(frozen=True)
class SharpnessAware(Wrapper):
    """Factory of an optimizer whose gradient is that of the worst point nearby."""

    name: ClassVar[str] = "sam"
    own: ClassVar[Mapping[str, Value]] = {"rho": Number()}

    def __call__(self, rho: Any, **hyperparameters: Any) -> optax.GradientTransformation:
        """The transformation; its state is that of the inner one."""
        rule = self.rule(hyperparameters)

        def update(
            gradient: Params, state: Any, params: Params | None = None, *, grad_fn: Any, live: Any = None, **_: Any
        ) -> tuple[Params, Any]:
            length = norm(gradient)
            factor = jnp.where(length > 0, rho / jnp.where(length > 0, length, 1), 0)
            worst = jax.tree.map(lambda w, g: w + factor.astype(g.dtype) * g, params, gradient)
            extra = {} if live is None else {"live": live}
            moved: tuple[Params, Any] = rule.update(grad_fn(worst, 0), state, params, **extra)
            return moved

        return optax.GradientTransformationExtraArgs(rule.init, update)


@named
def sam(optimizer: Optimizer, rho: float = 0.05) -> Optimizer:
    """Sharpness-aware minimisation (Foret et al. 2021): step along the gradient at the worst point nearby.

    The gradient ``g`` at the parameters ``w`` leads to the point ``w + rho g / |g|``, and the optimizer makes its step from
    ``w`` with the gradient at that point. A step costs two gradients, both on the examples of the step and with one dropout
    mask.

    Parameters
    ----------
    optimizer
        What makes the steps, such as `sgd`. Its hyperparameters keep their names.
    rho
        Distance to the worst point, at least 0, in the units of the parameters. Traced.

    Returns
    -------
    Optimizer
        With the hyperparameters of ``optimizer`` and the hyperparameter ``rho``.

    Raises
    ------
    InputError
        If ``optimizer`` is none, has noise, has no steps, or looks at the objective itself, or ``rho`` is negative.

    References
    ----------
    P. Foret, A. Kleiner, H. Mobahi and B. Neyshabur, "Sharpness-aware minimization for efficiently improving generalization",
    2021.

    Examples
    --------
    >>> from memjax.optimizers import sgd
    >>> sam(sgd(0.1), rho=0.1).hyperparameters["rho"]
    0.1
    """
    check_inner(SharpnessAware, optimizer, _SUCH_AS)
    if optimizer.built_in and optimizer.sees_objective:
        raise InputError(
            f"sam got {optimizer!r}, which looks at the objective itself: give a rule that does not, {_SUCH_AS}."
        )
    return Optimizer(SharpnessAware(optimizer.factory), {**optimizer.hyperparameters, "rho": rho})
