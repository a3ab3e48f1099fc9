"""The optimizer of an experiment: an optax factory and its hyperparameters, built anew inside the compiled step."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import optax
from flax.core import FrozenDict

from memjax.checks.suggestions import meant
from memjax.checks.values import is_user_code, number, scalar
from memjax.content.later import later
from memjax.errors import InputError
from memjax.optimizers import rates
from memjax.optimizers.frozen import Tree, freeze
from memjax.optimizers.values import FollowsStep, Value, values_of
from memjax.schedules import Schedule, warmup_cosine
from memjax.types import Array, Params

__all__ = ["Optimizer", "Rate", "from_optax"]

Rate = float | Schedule | Callable[[Array], Any]
_KEYS = "threefry2x32"
# Rules of memjax that look at the objective.
_SEEING = ("lbfgs", "sam")


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
    evaluate
        Function ``(state, parameters) -> parameters`` of the network that is recorded and kept, such as an average in the
        state; None takes the parameters themselves.

    Raises
    ------
    InputError
        If a number is out of the range that the factory says, or not finite.

    Examples
    --------
    >>> from memjax.optimizers import adam, cosine
    >>> rule = adam(cosine(peak=1e-3), b2=0.98)
    >>> rule.name, rule.hyperparameters["b2"]
    ('adam', 0.98)

    The names of hyperparameters are names of axes: ``over={"optimizer.b2": [0.98, 0.999]}`` sweeps this one.
    """

    factory: Callable[..., optax.GradientTransformation]
    hyperparameters: Mapping[str, Any] = field(default_factory=FrozenDict, metadata={"traced": True})
    evaluate: Callable[[Any, Params], Params] | None = later(None)

    def __post_init__(self) -> None:
        if self.evaluate is not None and not callable(self.evaluate):
            raise InputError(
                f"{self.name}.evaluate is {self.evaluate!r}: give a function (state, parameters), or None."
            )
        allowed = values_of(self.factory)
        kept = {name: self._check(allowed.get(name), name, value) for name, value in self.hyperparameters.items()}
        object.__setattr__(self, "hyperparameters", FrozenDict(kept))
        for name in kept.keys() & allowed.keys():
            allowed[name].check_beside(f"{self.name}.{name}", kept)

    @property
    def built_in(self) -> bool:
        """Whether the factory is the rule of an optimizer that `memjax.optimizers` exports: a user's of that name is not it."""
        if self.evaluate is not None and is_user_code(self.evaluate):
            return False
        rule = list(_layers(self.factory))[-1]
        exported = getattr(sys.modules[__package__], _name(rule), None)
        return exported is not None and getattr(rule, "__module__", None) == getattr(exported, "__module__", "")

    @property
    def sees_objective(self) -> bool:
        """Whether the rule may look at the objective, and not at its gradient alone; every rule of a user's may."""
        return not self.built_in or any(_name(rule) in _SEEING for rule in _layers(self.factory))

    @property
    def clips_examples(self) -> bool:
        """Whether the rule takes the sum of the gradients of single examples that are shortened to its ``clip_norm``."""
        return self.built_in and self.name == "dp_sgd"

    @property
    def noisy(self) -> bool:
        """Whether the factory takes a key, so that runs that differ in their ``init_seed`` alone part."""
        return _takes_key(self.factory)

    def _check(self, allowed: Value | None, name: str, value: Any) -> Any:
        """Check one hyperparameter as the factory says; numbers of which a factory says nothing may be any."""
        if isinstance(value, jax.core.Tracer):
            return value
        if allowed is not None:
            return allowed.check(f"{self.name}.{name}", value)
        # A whole number of NumPy or JAX decides structure as Python's own does.
        value = scalar(value)
        return number(f"{self.name}.{name}", value) if isinstance(value, float) else freeze(value)

    @property
    def name(self) -> str:
        """Name of the factory."""
        return _name(self.factory)

    def transformation(self, steps: int, key: Any = None) -> optax.GradientTransformation:
        """Build the optax transformation for a run of ``steps`` updates.

        Parameters
        ----------
        steps
            Updates of the run, which schedules end with.
        key
            Raw key ``uint32[2]`` of the run's noise, for a factory that takes a key; the state starts from this key.

        Examples
        --------
        >>> import numpy as np
        >>> from memjax.optimizers import sgd
        >>> rule = sgd(0.5).transformation(steps=10)
        >>> update, _ = rule.update(np.float32(2.0), rule.init(np.float32(0.0)), np.float32(0.0))
        >>> float(update)
        -1.0
        """
        settled = {name: self._settle(name, value, steps) for name, value in self.hyperparameters.items()}
        if not self.noisy or "key" in settled:
            return self.factory(**settled)
        # Only `init` reads it: from then on the state carries the key.
        data: Any = np.zeros(2, np.uint32) if key is None else key
        return _with_raw_keys(self.factory(**settled, key=jax.random.wrap_key_data(data, impl=_KEYS)))

    def rate_at(self, step: Any, steps: int, asker: str) -> Any:
        """Learning rate of the step after ``step`` steps, in a run of ``steps``.

        Parameters
        ----------
        step
            Steps done; may be traced.
        steps
            Updates of the run, which schedules end with.
        asker
            What asks for it, as the beginning of a sentence.

        Raises
        ------
        InputError
            If the optimizer has no hyperparameter ``learning_rate``, or that is neither a number nor a function of the step.

        Examples
        --------
        >>> from memjax.optimizers import linear, sgd
        >>> float(sgd(linear(0.5)).rate_at(4, 8, "The measure 'rate'"))
        0.25
        """
        given = self.hyperparameters.get("learning_rate")
        rate = None if given is None else self._settle("learning_rate", given, steps)
        if callable(rate):
            return rate(step)
        if rate is None or isinstance(rate, str | bool | Tree):
            raise InputError(
                f"{asker} asks for the learning_rate, but the optimizer {self.name!r} has no learning rate that is a number or "
                "a function of the step: leave it out, or take an optimizer that has one."
            )
        return rate

    def _settle(self, name: str, value: Any, steps: int) -> Any:
        """What the factory is given for a hyperparameter: for a schedule, a function of the step."""
        if isinstance(value, Tree):
            return value.thaw()
        rate = (lambda count: value.at(count, steps)) if rates.is_schedule(value) else value
        # To a factory that does not call it a learning rate, a function may be another thing.
        if not callable(rate) or not self._follows_step(name):
            return rate
        return lambda count: rates.scalar(f"{self.name}.{name}", value, rate, count)

    def _follows_step(self, name: str) -> bool:
        return isinstance(values_of(self.factory).get(name), FollowsStep)

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
        for name, value in self.hyperparameters.items():
            if callable(value) and not rates.is_schedule(value) and self._follows_step(name):
                rates.check_rates(f"{self.name}.{name}", value, steps)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.hyperparameters.items())
        return f"{self.name}({inside})"


def _layers(factory: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A factory, and those inside: one that wraps another's, as norm_constrained does, is as built in as that one."""
    yield factory
    if type(factory).__module__.split(".")[0] == "memjax" and hasattr(factory, "inner"):
        yield from _layers(factory.inner)


def _name(factory: Callable[..., Any]) -> str:
    return getattr(factory, "__name__", "optimizer").removeprefix("_")


def _with_raw_keys(rule: optax.GradientTransformation) -> optax.GradientTransformation:
    """The same transformation with a state of plain arrays, which can be selected from, kept and read back."""

    def raw(state: Any) -> Any:
        return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, state)

    extended = optax.with_extra_args_support(rule)

    def update(gradient: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        like = jax.eval_shape(rule.init, params)
        wrap = lambda own, leaf: jax.random.wrap_key_data(leaf, impl=_KEYS) if _is_key(own) else leaf  # noqa: E731
        step, state = extended.update(gradient, jax.tree.map(wrap, like, state), params, **extra)
        return step, raw(state)

    return optax.GradientTransformationExtraArgs(lambda params: raw(rule.init(params)), update)


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _takes_key(factory: Callable[..., Any]) -> bool:
    try:
        return "key" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def from_optax(
    factory: Callable[..., optax.GradientTransformation],
    *,
    evaluate: Callable[[Any, Params], Params] | None = None,
    **hyperparameters: Any,
) -> Optimizer:
    """Take any optax-style factory as it is; its numbers are traced and can be swept by name.

    Parameters
    ----------
    factory
        Called with the hyperparameters as keywords, and with the run's own ``key`` if it takes one; must return a gradient
        transformation.
    evaluate
        Function ``(state, parameters) -> parameters`` of the network that is recorded and kept, for a rule that averages, such
        as ``optax.contrib.schedule_free_eval_params``; None takes the parameters themselves.
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
    return Optimizer(factory, hyperparameters, evaluate)
