"""Differentially private descent: gradients of single examples are clipped, and noise is added to their sum."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from memjax.checks.keywords import named
from memjax.optimizers.noise import step_noise
from memjax.optimizers.optimizer import Optimizer, Rate
from memjax.optimizers.values import LearningRate, NotNegative, Positive, Share
from memjax.types import Array, Params

__all__ = ["dp_sgd"]


class _PrivateState(NamedTuple):
    key: Array
    steps: Array
    trace: Params


@named
def dp_sgd(
    learning_rate: Rate = 0.1, *, clip_norm: float = 1.0, noise_multiplier: float = 1.0, momentum: float = 0.0
) -> Optimizer:
    """Differentially private gradient descent (Abadi et al. 2016).

    The gradient of the loss of every single example is shortened to the length ``C`` where the gradient is longer. A step goes
    along ``(sum of these + sigma C N(0, 1)) / L``, with ``L`` the number of examples of a batch.

    Parameters
    ----------
    learning_rate
        Step size: a number, a schedule, or a function of the step.
    clip_norm
        C, the largest length of an example's gradient, in units of the scaled loss over those of the parameters. Traced.
    noise_multiplier
        sigma, the deviation of the noise over C; at 0 there is no noise and no privacy. Traced.
    momentum
        Share of the last direction that is added to the next one. Traced.

    Returns
    -------
    Optimizer
        Each run draws its own noise, from its ``init_seed``. With ``batches="poisson"`` the sum over a batch is divided by
        ``batch_size``, the expected number, as the accounting of privacy assumes.

    Notes
    -----
    M. Abadi et al., "Deep learning with differential privacy" (CCS 2016, arXiv:1607.00133), algorithm 1. The gradient of a
    penalty is added to the clipped sum without being clipped, because a penalty looks at no example. Lengths of dense networks
    with biases follow from activations and backpropagated errors, without the gradients of single examples; those of other
    models take the gradients of all examples of a batch in memory. A run with a large C and without noise is that of `sgd`.

    Examples
    --------
    >>> dp_sgd(0.5, clip_norm=0.1, noise_multiplier=1.1)
    dp_sgd(learning_rate=0.5, clip_norm=0.1, noise_multiplier=1.1, momentum=0.0)
    """
    numbers = dict(clip_norm=clip_norm, noise_multiplier=noise_multiplier, momentum=momentum)
    return Optimizer(_dp_sgd, dict(learning_rate=learning_rate, **numbers))


def _dp_sgd(
    learning_rate: LearningRate,
    clip_norm: Annotated[Any, Positive()],
    noise_multiplier: NotNegative,
    momentum: Share,
    key: Array,
) -> optax.GradientTransformation:
    def init(params: Params) -> _PrivateState:
        return _PrivateState(key, jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params))

    def update(
        gradient: Params, state: _PrivateState, params: Params | None = None, *, count: Any = 1, **_: Any
    ) -> tuple[Params, _PrivateState]:
        rate = learning_rate(state.steps) if callable(learning_rate) else learning_rate
        deviation = noise_multiplier * clip_norm / count
        noise = step_noise(state.key, state.steps, gradient, None)
        trace = jax.tree.map(lambda t, g, n: momentum * t + g + deviation * n, state.trace, gradient, noise)
        return jax.tree.map(lambda t: -rate * t, trace), _PrivateState(state.key, state.steps + 1, trace)

    return optax.GradientTransformationExtraArgs(init, update)
