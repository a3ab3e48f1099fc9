"""Penalties on the size of the parameters, and on their distance from the initial ones."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from memjax.checks.values import keep_numbers
from memjax.fields import traced
from memjax.jax_settings import wide
from memjax.types import Array, Params

__all__ = ["L1", "L2", "FromInit"]


def _sum(tree: Params) -> Array:
    return sum((jnp.sum(leaf) for leaf in jax.tree.leaves(tree)), start=jnp.zeros(()))


def _sizes(leaf: Array) -> Array:
    """Absolute values, with a derivative of 0 at 0, where JAX's own is 1."""
    return jnp.where(leaf == 0, 0, jnp.abs(wide(leaf)))


def _squares(tree: Params) -> Array:
    return _sum(jax.tree.map(lambda leaf: jnp.square(wide(leaf).real) + jnp.square(wide(leaf).imag), tree))


@dataclass(frozen=True)
class L1:
    """``strength`` times the sum of the absolute values of all parameters, biases included (Tibshirani 1996, the lasso).

    Parameters
    ----------
    strength
        At least 0, in units of the loss; traced, so that an axis of it compiles nothing. A parameter of exactly 0 has the
        subgradient 0.

    Raises
    ------
    InputError
        If ``strength`` is negative.

    Examples
    --------
    >>> float(L1(0.5)({"w": jnp.array([3.0, -1.0])}))
    2.0
    """

    strength: float = traced(1e-4)

    def __post_init__(self) -> None:
        keep_numbers(self, ["strength"], 0)

    def __call__(self, params: Params) -> Array:
        """Value of the penalty."""
        return self.strength * _sum(jax.tree.map(_sizes, params))


@dataclass(frozen=True)
class L2:
    """``strength`` times the sum of the squares of all parameters, biases included.

    Its gradient is ``2 * strength * parameters``, so that ``adam(l2=0.2)`` is ``adam()`` with ``L2(0.1)``. Rules that look at
    the objective, as `memjax.optimizers.lbfgs` does, need the penalty.

    Parameters
    ----------
    strength
        At least 0, in units of the loss; traced.

    Raises
    ------
    InputError
        If ``strength`` is negative.

    Examples
    --------
    >>> float(L2(0.5)({"w": jnp.array([3.0, -1.0])}))
    5.0
    """

    strength: float = traced(1e-4)

    def __post_init__(self) -> None:
        keep_numbers(self, ["strength"], 0)

    def __call__(self, params: Params) -> Array:
        """Value of the penalty."""
        return self.strength * _squares(params)


@dataclass(frozen=True)
class FromInit:
    """``strength`` times the squared Euclidean distance of all parameters from the initial parameters of the run.

    As in Hu, Li and Yu, "Simple and effective regularization methods for training on noisily labeled data with generalization
    guarantee" (2020). The initial parameters of a run with a ``start`` are those of the ``start``.

    Parameters
    ----------
    strength
        At least 0, in units of the loss; traced.

    Raises
    ------
    InputError
        If ``strength`` is negative.

    Examples
    --------
    >>> float(FromInit(0.5)({"w": jnp.array([3.0, 1.0])}, initial={"w": jnp.array([1.0, 1.0])}))
    2.0
    """

    strength: float = traced(1e-4)

    def __post_init__(self) -> None:
        keep_numbers(self, ["strength"], 0)

    def __call__(self, params: Params, *, initial: Params) -> Array:
        """Value of the penalty."""
        return self.strength * _squares(jax.tree.map(lambda now, then: wide(now) - wide(then), params, initial))
