"""Linen modules that draw random numbers in training, such as those with dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax

from memjax.checks.values import flag
from memjax.errors import InputError
from memjax.types import Array, Params

__all__ = ["Linen"]


@dataclass(frozen=True)
class Linen:
    """A Linen module whose call has an argument for training, in which it draws random numbers.

    Training calls the module on each example by itself, under `jax.vmap` and with the example's key, so that what is drawn for
    an example follows from its run, the step and the example alone.

    Parameters
    ----------
    module
        A Linen module ``module(x, argument)``.
    argument
        Name of the argument, such as ``deterministic`` or ``train``.
    training
        Its value in training; it has the opposite value otherwise.
    rngs
        Names of the module's generators, each of which gets a key of its own.

    Raises
    ------
    InputError
        If the module is not a Linen module, or a name is not a name.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> class Net(nn.Module):
    ...     @nn.compact
    ...     def __call__(self, x, train):
    ...         return nn.Dropout(0.5)(nn.Dense(3)(x), deterministic=not train)
    >>> model = Linen(Net(), argument="train", training=True)
    >>> params, x = model.init(jax.random.key(0), jnp.ones((1, 2))), jnp.ones((100, 2))
    >>> outputs = model.apply_train(params, x, jax.random.split(jax.random.key(1), 100))
    >>> bool((model.apply(params, x) == 0).any()), 0.4 < float((outputs == 0).mean()) < 0.6
    (False, True)
    """

    module: Any
    argument: str = "deterministic"
    training: bool = False
    rngs: tuple[str, ...] = ("dropout",)

    def __post_init__(self) -> None:
        if not isinstance(self.module, nn.Module):
            raise InputError(f"Linen.module is {self.module!r}: give an object of a class of flax.linen.Module.")
        object.__setattr__(self, "training", flag("Linen.training", self.training))
        names = (self.rngs,) if isinstance(self.rngs, str) else tuple(self.rngs)
        object.__setattr__(self, "rngs", names)
        if not all(isinstance(name, str) and name for name in (self.argument, *names)):
            raise InputError(
                f"Linen has argument = {self.argument!r} and rngs = {self.rngs!r}: give the name of an argument of the "
                "module's call, and the names of its generators, such as ('dropout',)."
            )

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters for inputs ``x[B, ...]``."""
        return self.module.init(key, x, **{self.argument: not self.training})

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``, without random numbers."""
        outputs: Array = self.module.apply(params, x, **{self.argument: not self.training})
        return outputs

    def apply_train(self, params: Params, x: Array, keys: Array) -> Array:
        """Outputs ``[B, C]`` in training, with a key ``[B]`` for each example."""

        def one(row: Array, key: Array) -> Array:
            own = {name: jax.random.fold_in(key, place) for place, name in enumerate(self.rngs)}
            outputs: Array = self.module.apply(params, row[None], **{self.argument: self.training}, rngs=own)
            return outputs[0]

        return jax.vmap(one)(x, keys)
