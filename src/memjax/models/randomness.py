"""Models that draw random numbers in the forward pass of training: which they are, and what they are without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from memjax.types import Array, Model, Params

__all__ = ["Still", "is_random", "split", "still", "writes_training"]


def is_random(model: Any) -> bool:
    """Whether training calls `apply_train` of a model; see `memjax.types.RandomModel`.

    Examples
    --------
    >>> from memjax.models import MLP
    >>> is_random(MLP()), is_random(MLP(dropout=0.5))
    (False, True)
    """
    return callable(getattr(model, "apply_train", None)) and bool(getattr(model, "draws", True))


def writes_training(model: Any) -> bool:
    """Whether the class of a model that writes ``apply`` writes ``apply_train`` too, so that both are the same network."""
    kinds = type(model).__mro__
    places = {name: [i for i, kind in enumerate(kinds) if name in vars(kind)] for name in ("apply", "apply_train")}
    # A method that is found nowhere is an attribute of the object itself.
    return not all(places.values()) or places["apply_train"][0] <= places["apply"][0]


@dataclass(frozen=True)
class Still:
    """A model that trains as it is applied, made from one that draws random numbers in training."""

    model: Any

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters."""
        return self.model.init(key, x)

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        return self.model.apply(params, x)


def still(model: Any) -> Model:
    """A model of the same parameters and outputs that draws nothing in training.

    A model can say what that is by a method ``still()``; then measures that know its kind know the still one too.

    Examples
    --------
    >>> from memjax.models import MLP
    >>> still(MLP(hidden=(3,), dropout=0.5)) == MLP(hidden=(3,))
    True
    """
    if not is_random(model):
        own: Model = model
    else:
        own = model.still() if callable(getattr(model, "still", None)) else Still(model)
    return own


def split(keys: Array) -> tuple[Array, Array]:
    """Two keys ``[B]`` for each example from one, for a wrapper and for the model inside it."""
    both = jax.vmap(jax.random.split)(keys)
    return both[:, 0], both[:, 1]
