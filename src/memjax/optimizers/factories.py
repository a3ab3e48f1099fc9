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

    Parameters
    ----------
    learning_rate, b1, b2, eps, clip_norm
        As for `adam`.
    weight_decay
        Decoupled decay, at least 0: each step takes ``learning_rate * weight_decay * parameters`` off the parameters.

    Raises
    ------
    InputError
        If a number is out of its range, here or as a value of an axis.

    Examples
    --------
    The first step from the parameter 10 has length 0.1, and the decay adds 0.1 * 0.5 * 10:

    >>> import numpy as np
    >>> rule = adamw(0.1, weight_decay=0.5).transformation(steps=1)
    >>> update, _ = rule.update(np.float32(3.0), rule.init(np.float32(10.0)), np.float32(10.0))
    >>> round(float(update), 4)
    -0.6
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

    Parameters
    ----------
    learning_rate, l2, clip_norm
        As for `adam`.
    momentum
        Share of the last step that a step keeps, from 0 to less than 1; None has no momentum.
    nesterov
        Whether momentum looks ahead, as Nesterov's does; needs ``momentum``.

    Raises
    ------
    InputError
        If a number is out of its range, here or as a value of an axis.

    Examples
    --------
    With the gradient 2 at the parameter 10, a step is -0.5 * (2 + 0.1 * 10):

    >>> import numpy as np
    >>> rule = sgd(0.5, l2=0.1).transformation(steps=1)
    >>> update, _ = rule.update(np.float32(2.0), rule.init(np.float32(10.0)), np.float32(10.0))
    >>> float(update)
    -1.5
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

    Parameters
    ----------
    learning_rate, l2, clip_norm
        As for `adam`.
    decay
        Decay of the mean of squared gradients, from 0 to less than 1.
    eps
        Number added to that mean, at least 0.
    momentum
        Share of the last step that a step keeps, from 0 to less than 1; None has no momentum.

    Raises
    ------
    InputError
        If a number is out of its range, here or as a value of an axis.

    Examples
    --------
    After one gradient g the mean of squares is g^2 / 4, so the first step is twice the learning rate:

    >>> import numpy as np
    >>> rule = rmsprop(0.1, decay=0.75).transformation(steps=1)
    >>> update, _ = rule.update(np.float32(3.0), rule.init(np.float32(0.0)), np.float32(0.0))
    >>> round(float(update), 4)
    -0.2
    """
    numbers = dict(learning_rate=learning_rate, decay=decay, eps=eps, momentum=momentum, l2=l2, clip_norm=clip_norm)
    return Optimizer(_rmsprop, numbers)
