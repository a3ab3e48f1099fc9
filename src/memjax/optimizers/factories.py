"""The optimizers that training uses: descent with momentum and with moments, with coupled or decoupled weight decay."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax

from memjax.checks.keywords import named
from memjax.jax_settings import wide
from memjax.optimizers.optimizer import Optimizer, Rate
from memjax.optimizers.values import Flag, LearningRate, NotNegative, Positive, Share, ShareOrNone
from memjax.parameter_trees import norm
from memjax.types import Array, Params

__all__ = ["adam", "adamw", "rmsprop", "sgd"]

ClipNorm = Annotated[Any, Positive(none="does not clip")]


def _clipped(clip_norm: float | None, *rules: optax.GradientTransformation) -> optax.GradientTransformation:
    clip = [] if clip_norm is None else [_clip(clip_norm)]
    return optax.chain(*clip, *rules)


def _clip(clip_norm: Any) -> optax.GradientTransformation:
    """As `optax.clip_by_global_norm`, whose norm overflows where squares do: it makes a gradient of 1e20 zero."""

    def update(gradient: Params, state: Any, params: Params | None = None) -> tuple[Params, Any]:
        del params
        length = norm(gradient)

        def clip(leaf: Array) -> Array:
            short = (wide(leaf) / length.astype(wide(leaf).dtype)) * clip_norm
            return jnp.where(length < clip_norm, leaf, short.astype(leaf.dtype))

        return jax.tree.map(clip, gradient), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def _adam(
    learning_rate: LearningRate, b1: Share, b2: Share, eps: NotNegative, l2: NotNegative, clip_norm: ClipNorm
) -> optax.GradientTransformation:
    return _clipped(clip_norm, optax.add_decayed_weights(l2), optax.adam(learning_rate, b1=b1, b2=b2, eps=eps))


def _adamw(
    learning_rate: LearningRate, b1: Share, b2: Share, eps: NotNegative, weight_decay: NotNegative, clip_norm: ClipNorm
) -> optax.GradientTransformation:
    return _clipped(clip_norm, optax.adamw(learning_rate, b1=b1, b2=b2, eps=eps, weight_decay=weight_decay))


def _sgd(
    learning_rate: LearningRate,
    momentum: ShareOrNone,
    l2: NotNegative,
    clip_norm: ClipNorm,
    nesterov: Annotated[Any, Flag(needs="momentum", such_as=0.9)],
) -> optax.GradientTransformation:
    rule = optax.sgd(learning_rate, momentum=momentum, nesterov=nesterov)
    return _clipped(clip_norm, optax.add_decayed_weights(l2), rule)


def _rmsprop(
    learning_rate: LearningRate,
    decay: Share,
    eps: NotNegative,
    momentum: ShareOrNone,
    l2: NotNegative,
    clip_norm: ClipNorm,
) -> optax.GradientTransformation:
    rule = optax.rmsprop(learning_rate, decay=decay, eps=eps, momentum=momentum)
    return _clipped(clip_norm, optax.add_decayed_weights(l2), rule)


@named
def adam(
    learning_rate: Rate = 1e-3,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    l2: float = 0.0,
    clip_norm: float | None = None,
) -> Optimizer:
    """Adam (Kingma and Ba 2015) with coupled L2, as `optax.adam` and PyTorch's ``Adam``.

    Parameters
    ----------
    learning_rate
        A number of at least 0, a schedule, or a function of the step, such as optax's schedules.
    b1, b2, eps
        Decay of the first and second moments, from 0 to less than 1, and the number added to the denominator.
    l2
        Coupled L2, at least 0: ``l2 * parameters`` is added to the gradient first.
    clip_norm
        Largest global norm of the gradient, more than 0; None does not clip. Clipping comes before L2.

    Raises
    ------
    InputError
        If a number is out of its range, here or as a value of an axis.

    Examples
    --------
    >>> adam(3e-4).hyperparameters["learning_rate"]
    0.0003
    """
    return Optimizer(_adam, dict(learning_rate=learning_rate, b1=b1, b2=b2, eps=eps, l2=l2, clip_norm=clip_norm))


@named
def adamw(
    learning_rate: Rate = 1e-3,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    clip_norm: float | None = None,
) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), as `optax.adamw` with PyTorch's default decay.

    Examples
    --------
    >>> adamw(3e-4, weight_decay=1.0).hyperparameters["weight_decay"]
    1.0
    """
    numbers = dict(learning_rate=learning_rate, b1=b1, b2=b2, eps=eps, weight_decay=weight_decay, clip_norm=clip_norm)
    return Optimizer(_adamw, numbers)


@named
def sgd(
    learning_rate: Rate = 1e-1,
    *,
    momentum: float | None = None,
    nesterov: bool = False,
    l2: float = 0.0,
    clip_norm: float | None = None,
) -> Optimizer:
    """Gradient descent with optional (Nesterov) momentum and coupled L2, as `optax.sgd`.

    Examples
    --------
    >>> sgd(0.1, momentum=0.9).hyperparameters["momentum"]
    0.9
    """
    numbers = dict(learning_rate=learning_rate, momentum=momentum, l2=l2, clip_norm=clip_norm, nesterov=nesterov)
    return Optimizer(_sgd, numbers)


@named
def rmsprop(
    learning_rate: Rate = 1e-3,
    *,
    decay: float = 0.9,
    eps: float = 1e-8,
    momentum: float | None = None,
    l2: float = 0.0,
    clip_norm: float | None = None,
) -> Optimizer:
    """RMSProp, as `optax.rmsprop` (``eps`` inside the square root), with coupled L2.

    Examples
    --------
    >>> rmsprop(1e-3, decay=0.99).hyperparameters["decay"]
    0.99
    """
    numbers = dict(learning_rate=learning_rate, decay=decay, eps=eps, momentum=momentum, l2=l2, clip_norm=clip_norm)
    return Optimizer(_rmsprop, numbers)
