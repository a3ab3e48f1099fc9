"""Wrappers that change the inputs of any model in training: Gaussian noise, and a user's augmentation of one example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from memjax.checks.values import keep_numbers
from memjax.errors import InputError, cause
from memjax.fields import traced
from memjax.models.adapt import as_model
from memjax.models.randomness import is_random, split, still
from memjax.types import Array, Model, Params

__all__ = ["Augmented", "InputNoise"]

# What the engine and measures ask of some models; a wrapper has what the model inside it has.
_PASSED_ON = ("takes", "hidden_activations", "outputs_from")


class _Wrapper:
    """What wrappers share: outside of training, they are the model inside."""

    model: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", as_model(self.model))

    def __getattr__(self, name: str) -> Any:
        if name in _PASSED_ON:
            return getattr(self.model, name)
        raise AttributeError(name)

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters of the model inside for inputs ``x[B, ...]``."""
        return self.model.init(key, x)

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` of the model inside for inputs ``x[B, ...]``."""
        outputs: Array = self.model.apply(params, x)
        return outputs

    def apply_train(self, params: Params, x: Array, keys: Array) -> Array:
        """Outputs ``[B, C]`` in training, with a key ``[B]`` for each example."""
        own, inside = split(keys)
        changed = self._changed(x, own)
        outputs: Array = (
            self.model.apply_train(params, changed, inside)
            if is_random(self.model)
            else self.model.apply(params, changed)
        )
        return outputs

    def _changed(self, x: Array, keys: Array) -> Array:
        raise NotImplementedError

    def still(self) -> Model:
        """The model inside, without random numbers of its own."""
        return still(self.model)


@dataclass(frozen=True)
class InputNoise(_Wrapper):
    """A model whose inputs get Gaussian noise in training: for every run, step and example another.

    With a squared error and small noise this is Tikhonov regularisation (Bishop 1995).

    Parameters
    ----------
    model
        Any model that `memjax.models.as_model` accepts, on inputs that are floating-point numbers.
    scale
        Standard deviation of the noise, at least 0. Traced.

    Raises
    ------
    InputError
        If the scale is negative, or the inputs are whole numbers.

    Examples
    --------
    >>> from memjax.models import MLP
    >>> noisy = InputNoise(MLP(hidden=(), bias=False, outputs=1), scale=0.5)
    >>> w, x, keys = {"layer_0": {"kernel": jnp.ones((1, 1))}}, jnp.zeros((2000, 1)), jax.random.split(jax.random.key(0), 2000)
    >>> float(noisy.apply(w, x).std()), round(float(noisy.apply_train(w, x, keys).std()), 1)
    (0.0, 0.5)
    """

    model: Any
    scale: float = traced(0.1)

    def __post_init__(self) -> None:
        super().__post_init__()
        keep_numbers(self, ["scale"], 0)

    def _changed(self, x: Array, keys: Array) -> Array:
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise InputError(
                f"InputNoise adds normal numbers to inputs, but the inputs are of dtype {x.dtype}: give inputs as floats, or "
                "use memjax.models.Augmented with a function for whole numbers."
            )
        noise = jax.vmap(lambda key: jax.random.normal(key, x.shape[1:], x.dtype))(keys)
        return x + jnp.asarray(self.scale, x.dtype) * noise


@dataclass(frozen=True)
class Augmented(_Wrapper):
    """A model that sees augmented examples in training, such as shifted images: for every run, step and example another.

    Parameters
    ----------
    model
        Any model that `memjax.models.as_model` accepts.
    function
        ``(key, x_one) -> x_one``: from a typed key of JAX and the inputs of one example, inputs of the same shape and dtype.

    Raises
    ------
    InputError
        If the function gives another shape or dtype.

    Examples
    --------
    >>> from memjax.models import MLP
    >>> def flip(key, x):
    ...     return jnp.where(jax.random.bernoulli(key), x, -x)
    >>> model = Augmented(MLP(hidden=(), bias=False, outputs=1), flip)
    >>> w, x, keys = {"layer_0": {"kernel": jnp.ones((1, 1))}}, jnp.ones((20, 1)), jax.random.split(jax.random.key(0), 20)
    >>> sorted(set(model.apply_train(w, x, keys).ravel().tolist())), float(model.apply(w, x).min())
    ([-1.0, 1.0], 1.0)
    """

    model: Any
    function: Callable[[Array, Array], Array]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.function):
            raise InputError(f"Augmented.function is {self.function!r}: give a function (key, x) -> x of one example.")

    def _changed(self, x: Array, keys: Array) -> Array:
        try:
            changed = jax.vmap(self.function)(keys, x)
        except Exception as problem:
            raise InputError(f"The augmentation {self.function!r} failed on one example: {cause(problem)}") from problem
        got = tuple(getattr(changed, "shape", ())), getattr(changed, "dtype", None)
        if got != (x.shape, x.dtype):
            raise InputError(
                f"The augmentation {self.function!r} makes {got[1]}{list(got[0][1:])} of one example {x.dtype}"
                f"{list(x.shape[1:])}: it must keep shape and dtype."
            )
        return changed
