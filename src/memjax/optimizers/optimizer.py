"""The optimizer of an experiment: an optax factory and its hyperparameters, built anew inside the compiled step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import optax
from flax.core import FrozenDict

from memjax.checks.suggestions import meant
from memjax.checks.values import flag, number, scalar
from memjax.errors import InputError
from memjax.optimizers import ranges
from memjax.optimizers.frozen import Tree, freeze
from memjax.schedules import Schedule, warmup_cosine
from memjax.types import Array

__all__ = ["Optimizer", "Rate", "from_optax"]

Rate = float | Schedule | Callable[[Array], Any]
_OWN = "memjax.optimizers"
_KEYS = "threefry2x32"
_FLAGS = ("nesterov",)
_OPTIONAL = ("momentum", "clip_norm")


@dataclass(frozen=True)
class Optimizer:
    """An optax factory with its hyperparameters; made by `adam`, `sgd`, `from_optax` and the like.

    Attributes
    ----------
    factory
        Called inside the compiled step with the hyperparameters as keywords; a learning rate that follows a schedule
        arrives as a function of the step. A factory that takes a ``key``, as `optax.add_noise` does, is given the run's own.
    hyperparameters
        Numbers with a fraction (traced), schedules (their numbers traced), and anything else (structure). Dicts and lists,
        such as masks by parameter, are kept in a form with a hash and reach the factory as they were.

    Raises
    ------
    InputError
        If a number of a factory of memjax is out of its range, or any number is not finite.
    """

    factory: Callable[..., optax.GradientTransformation]
    hyperparameters: Mapping[str, Any] = field(default_factory=FrozenDict, metadata={"traced": True})

    def __post_init__(self) -> None:
        checked = {name: self._check(name, value) for name, value in self.hyperparameters.items()}
        object.__setattr__(self, "hyperparameters", FrozenDict(checked))
        if self.built_in and checked.get("nesterov") and checked["momentum"] is None:
            raise InputError("sgd.nesterov is True, but momentum is None: give a momentum, such as 0.9.")

    @property
    def built_in(self) -> bool:
        """Whether the factory is one of memjax's own: a user's of the same name is not it."""
        # One that wraps another's, as norm_constrained does, is as built in as that one.
        return str(getattr(getattr(self.factory, "inner", self.factory), "__module__", "")).startswith(_OWN)

    @property
    def noisy(self) -> bool:
        """Whether the factory takes a key, so that runs that differ in their ``init_seed`` alone part."""
        return _takes_key(self.factory)

    def _check(self, name: str, value: Any) -> Any:
        """Check one hyperparameter; numbers of the built-in optimizers become floats, for they are traced as such."""
        if name == "norm" and hasattr(self.factory, "inner"):
            return _norm(value)
        if not self.built_in:
            # A whole number of NumPy or JAX decides structure as Python's own does.
            value = value if isinstance(value, jax.core.Tracer) else scalar(value)
            return number(f"{self.name}.{name}", value) if isinstance(value, float) else freeze(value)
        if value is None and name in _OPTIONAL:
            return value
        if isinstance(value, jax.core.Tracer):
            return value
        if name in _FLAGS:
            return flag(f"{self.name}.{name}", value)
        if name == "learning_rate" and (callable(value) or _is_schedule(value)):
            return ranges.check_rate(self.name, value)
        if callable(value):
            raise InputError(f"{self.name}.{name} is {value!r}: only learning_rate may be a function of the step.")
        return ranges.check_number(self.name, name, value)

    @property
    def name(self) -> str:
        """Name of the factory."""
        return getattr(self.factory, "__name__", "optimizer").removeprefix("_")

    def transformation(self, steps: int, key: Any = None) -> optax.GradientTransformation:
        """Build the optax transformation for a run of ``steps`` updates.

        Parameters
        ----------
        steps
            Updates of the run, which schedules end with.
        key
            Raw key ``uint32[2]`` of the run's noise, for a factory that takes one; its state starts from it.

        Examples
        --------
        >>> import numpy as np
        >>> from memjax.optimizers import sgd
        >>> rule = sgd(0.5).transformation(steps=10)
        >>> update, _ = rule.update(np.float32(2.0), rule.init(np.float32(0.0)), np.float32(0.0))
        >>> float(update)
        -1.0
        """
        settled = {name: self._settle(value, steps) for name, value in self.hyperparameters.items()}
        if not self.noisy or "key" in settled:
            return self.factory(**settled)
        # Only `init` reads it: from then on the state carries the key.
        data: Any = np.zeros(2, np.uint32) if key is None else key
        return _with_raw_keys(self.factory(**settled, key=jax.random.wrap_key_data(data, impl=_KEYS)))

    def _settle(self, value: Any, steps: int) -> Any:
        """What the factory is given for a hyperparameter: of a schedule, a function of the step."""
        if isinstance(value, Tree):
            return value.thaw()
        if _is_schedule(value):
            rate = lambda count: value.at(count, steps)  # noqa: E731
        elif self.built_in and callable(value):
            rate = value
        else:
            return value
        # To a factory of the user's own, it may be another thing than a learning rate.
        return (lambda count: ranges.scalar(self.name, value, rate, count)) if self.built_in else rate

    def check_steps(self, steps: int) -> None:
        """Raise `InputError` where a schedule does not fit into a run of ``steps`` updates."""
        for value in self.hyperparameters.values():
            if isinstance(value, warmup_cosine) and value.warmup_steps > steps:
                raise InputError(
                    f"warmup_cosine.warmup_steps is {value.warmup_steps!r}, more than the {steps} steps of the run, which "
                    "would end before the peak: lower it, or take warmup, whose rate does not depend on the end."
                )

    def check_rates(self, steps: int) -> None:
        """Raise `InputError` where a function gives a learning rate that is negative or not finite in a run of ``steps``."""
        for value in self.hyperparameters.values():
            if self.built_in and callable(value) and not _is_schedule(value):
                ranges.check_rates(self.name, value, steps)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.hyperparameters.items())
        return f"{self.name}({inside})"


def _norm(value: Any) -> float | None:
    if value is not None and not (isinstance(value, int | float | np.number) and np.isfinite(value) and value > 0):
        raise InputError(f"norm_constrained.norm is {value!r}: give a positive number, or None for the initial norm.")
    return None if value is None else float(value)


def _is_schedule(value: Any) -> bool:
    # Arrays have an attribute `at` too, so the protocol alone would take a number of JAX for a schedule.
    return isinstance(value, Schedule) and not isinstance(value, jax.Array | np.ndarray)


def _with_raw_keys(rule: optax.GradientTransformation) -> optax.GradientTransformation:
    """The same transformation with a state of plain arrays, which can be selected from, kept and read back."""

    def raw(state: Any) -> Any:
        return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, state)

    def update(gradient: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        like = jax.eval_shape(rule.init, params)
        wrap = lambda own, leaf: jax.random.wrap_key_data(leaf, impl=_KEYS) if _is_key(own) else leaf  # noqa: E731
        step, state = rule.update(gradient, jax.tree.map(wrap, like, state), params)
        return step, raw(state)

    return optax.GradientTransformation(lambda params: raw(rule.init(params)), update)


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _takes_key(factory: Callable[..., Any]) -> bool:
    try:
        return "key" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def from_optax(factory: Callable[..., optax.GradientTransformation], **hyperparameters: Any) -> Optimizer:
    """Take any optax-style factory as it is; its numbers are traced and can be swept by name.

    Parameters
    ----------
    factory
        Called with the hyperparameters as keywords, and with the run's own ``key`` if it takes one; must return a gradient
        transformation.
    hyperparameters
        Floats are traced, schedules of `memjax.schedules` become functions of the step, the rest is structure: dicts and lists
        too, such as a mask by parameter. What the numbers mean is yours, so they may have any finite value.

    Raises
    ------
    InputError
        If the factory does not take one of the names.

    Examples
    --------
    >>> import optax
    >>> from_optax(optax.lion, learning_rate=1e-4, b1=0.95)
    lion(learning_rate=0.0001, b1=0.95)
    """
    try:
        if "key" in hyperparameters and _takes_key(factory):
            raise InputError(f"from_optax got a key for {factory!r}: leave it out, for every run is given its own.")
        own = {"key": None} if _takes_key(factory) else {}
        inspect.signature(factory).bind(**hyperparameters, **own)
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"The factory {factory!r} cannot be called with {sorted(hyperparameters)}: {problem}."
            f"{meant(factory, hyperparameters)}"
        ) from None
    return Optimizer(factory, hyperparameters)
