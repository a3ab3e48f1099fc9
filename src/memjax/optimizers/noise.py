"""Optimizers with noise: Langevin dynamics to train at a temperature, and SGLD to sample around a network."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from memjax.checks.keywords import named
from memjax.optimizers.optimizer import Optimizer, Rate
from memjax.optimizers.values import LearningRate, NotNegative
from memjax.parameter_trees import normal_numbers
from memjax.types import Array, Params

__all__ = ["langevin", "sgld", "step_noise"]


class _LangevinState(NamedTuple):
    key: Array
    steps: Array


class _SGLDState(NamedTuple):
    key: Array
    steps: Array
    center: Params


@named
def langevin(learning_rate: Rate = 1e-3, *, temperature: float = 0.0, l2: float = 0.0) -> Optimizer:
    """Langevin dynamics: gradient descent with Gaussian noise of a temperature.

    ``w <- w - eta (dL/dw + l2 w) + sqrt(2 eta T) N(0, 1)``, whose stationary law is ``exp(-(L + l2 |w|^2 / 2) / T)`` as eta
    goes to 0 (M. Welling and Y. W. Teh, "Bayesian learning via stochastic gradient Langevin dynamics", 2011). At T = 0 it is
    gradient descent.

    Parameters
    ----------
    learning_rate
        Step eta: a number, a schedule, or a function of the step.
    temperature
        Temperature T, in units of the loss; not negative.
    l2
        Coupled L2: a Gaussian prior of variance ``T / l2``.

    Returns
    -------
    Optimizer
        Each run draws its own noise, from its ``init_seed``.

    Examples
    --------
    >>> langevin(1e-2, temperature=1e-4)
    langevin(learning_rate=0.01, temperature=0.0001, l2=0.0)
    """
    return Optimizer(_langevin, dict(learning_rate=learning_rate, temperature=temperature, l2=l2))


@named
def sgld(step_size: float = 1e-4, *, nbeta: float = 100.0, localization: float = 0.0) -> Optimizer:
    """Stochastic gradient Langevin dynamics around the point that it starts from.

    ``w <- w - eps/2 (n beta dL/dw + gamma (w - w*)) + N(0, eps)``, whose stationary law as eps goes to 0 is
    ``exp(-n beta L(w) - gamma |w - w*|^2 / 2)`` (E. Lau et al., "The local learning coefficient", 2023, equation 17).

    Parameters
    ----------
    step_size
        eps: the variance of the noise of one step.
    nbeta
        n beta: the inverse temperature of the mean loss.
    localization
        gamma: strength of the pull back to the start w*.

    Returns
    -------
    Optimizer
        Each run draws its own noise, from its ``init_seed``.

    Notes
    -----
    Stable where ``eps a < 4`` for every eigenvalue ``a = n beta h + gamma`` of the drift. The chain of a quadratic loss has
    variance ``1 / (a (1 - eps a / 4))`` instead of ``1 / a`` along that eigenvector.

    Examples
    --------
    >>> sgld(1e-5, nbeta=158.0, localization=1.0)
    sgld(step_size=1e-05, nbeta=158.0, localization=1.0)
    """
    return Optimizer(_sgld, dict(step_size=step_size, nbeta=nbeta, localization=localization))


def _langevin(
    learning_rate: LearningRate, temperature: NotNegative, l2: NotNegative, key: Array
) -> optax.GradientTransformation:
    def init(params: Params) -> _LangevinState:
        del params
        return _LangevinState(key, jnp.zeros((), jnp.int32))

    def update(
        gradient: Params, state: _LangevinState, params: Params | None = None, *, live: Params | None = None, **_: Any
    ) -> tuple[Params, _LangevinState]:
        rate = learning_rate(state.steps) if callable(learning_rate) else learning_rate
        noise = step_noise(state.key, state.steps, params, live)
        step = lambda g, w, n: -rate * (g + l2 * w) + jnp.sqrt(2 * rate * temperature) * n  # noqa: E731
        return jax.tree.map(step, gradient, params, noise), state._replace(steps=state.steps + 1)

    return optax.GradientTransformationExtraArgs(init, update)


def _sgld(
    step_size: NotNegative, nbeta: NotNegative, localization: NotNegative, key: Array
) -> optax.GradientTransformation:
    def init(params: Params) -> _SGLDState:
        return _SGLDState(key, jnp.zeros((), jnp.int32), jax.tree.map(jnp.asarray, params))

    def update(
        gradient: Params, state: _SGLDState, params: Params | None = None, *, live: Params | None = None, **_: Any
    ) -> tuple[Params, _SGLDState]:
        noise = step_noise(state.key, state.steps, params, live)

        def step(g: Array, w: Array, center: Array, n: Array) -> Array:
            return -step_size / 2 * (nbeta * g + localization * (w - center)) + jnp.sqrt(step_size) * n

        updates = jax.tree.map(step, gradient, params, state.center, noise)
        return updates, state._replace(steps=state.steps + 1)

    return optax.GradientTransformationExtraArgs(init, update)


def step_noise(key: Array, count: Array, like: Any, live: Params | None) -> Params:
    """Standard normal numbers of one step in the shape of a tree: one flat draw, as each draw takes seconds to compile.

    ``live`` are the places of the parameters of a padded network; they get the noise of the network without padding.
    """
    flat, restore = ravel_pytree(like)
    places = None if live is None else ravel_pytree(live)[0]
    return restore(normal_numbers(jax.random.fold_in(key, count), flat.size, flat.dtype, places))
