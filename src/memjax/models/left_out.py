"""Bare Linen modules whose dropout would never be drawn, since no argument of their call tells them that they train."""

from __future__ import annotations

import inspect
import re
from typing import Any

import flax.linen as nn
import jax
from flax.errors import InvalidRngError

from memjax.errors import InputError
from memjax.models.adapt import FunctionPair
from memjax.models.noisy_inputs import Augmented, InputNoise
from memjax.models.randomness import is_random
from memjax.types import Params

__all__ = ["check_dropout"]

_ARGUMENTS = ("train", "training", "is_training", "is_train", "deterministic")
_GENERATOR = re.compile(r'needs PRNG for "([^"]*)"')


def check_dropout(model: Any, params: Params, x: Any) -> None:
    """Raise `InputError` where a bare Linen module has dropout, which training by ``apply(params, x)`` would leave out.

    Parameters
    ----------
    model
        Any model that can be applied to these parameters and inputs.
    params, x
        Shape structs of its parameters and of inputs ``[B, ...]``.

    Raises
    ------
    InputError
        If the module reaches a dropout with a rate above 0 that is switched off, or would draw random numbers if an argument
        of its call, such as ``train``, had the opposite of its default.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> class Mine(nn.Module):
    ...     @nn.compact
    ...     def __call__(self, x, train: bool = False):
    ...         return nn.Dropout(0.5)(nn.Dense(3)(x), deterministic=not train)
    >>> x = jnp.ones((1, 2))
    >>> check_dropout(Mine(), Mine().init(jax.random.key(0), x), x)
    Traceback (most recent call last):
        ...
    memjax.errors.InputError: Mine has dropout, which training would leave out: wrap the module, ...
    """
    module = _bare(model)
    if module is None:
        return
    arguments = _defaults(module)
    drawn, argument = _reached(model, params, x), next((name for name in arguments if name in _ARGUMENTS), None)
    if not drawn:
        drawn, argument = _asked(module, arguments, params, x)
    if drawn:
        raise InputError(_sentence(module, drawn, argument, arguments))


def _bare(model: Any) -> nn.Module | None:
    """The Linen module that is called without an argument for training, if the model is one or holds one."""
    if isinstance(model, InputNoise | Augmented):
        return _bare(model.model)
    if isinstance(model, FunctionPair):
        model = getattr(model.apply_fn, "__self__", None)
    return model if isinstance(model, nn.Module) and not is_random(model) else None


def _defaults(module: nn.Module) -> dict[str, bool]:
    """Arguments of a module's call that are true or false by default."""
    parameters = inspect.signature(type(module).__call__).parameters.values()
    return {one.name: one.default for one in parameters if isinstance(one.default, bool)}


def _reached(model: Any, params: Params, x: Any) -> list[str]:
    """Generators of the dropouts with a rate above 0 that a call reaches, and that are switched off in the call."""
    drawn: list[str] = []

    def watch(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
        part = context.module
        if isinstance(part, nn.Dropout) and part.rate != 0 and _is_off(part, args, kwargs):
            drawn.append(part.rng_collection)
        elif isinstance(part, nn.MultiHeadDotProductAttention) and part.dropout_rate > 0:
            drawn.append("dropout")
        return call(*args, **kwargs)

    with nn.intercept_methods(watch):
        # A new function, for JAX would take what an earlier trace of the same one gave.
        jax.eval_shape(lambda params, x: model.apply(params, x), params, x)
    return list(dict.fromkeys(drawn))


def _is_off(dropout: nn.Dropout, args: Any, kwargs: Any) -> bool:
    return any((dropout.deterministic, *args[1:2], kwargs.get("deterministic")))


def _asked(module: nn.Module, arguments: dict[str, bool], params: Params, x: Any) -> tuple[list[str], str | None]:
    """The generator that a module asks for with the opposite of a default, and the argument with the default."""
    for name, default in arguments.items():
        opposite = {name: not default}
        try:
            jax.eval_shape(lambda params, x, opposite=opposite: module.apply(params, x, **opposite), params, x)
        except InvalidRngError as problem:
            drawn = _GENERATOR.findall(str(problem))
            if name in _ARGUMENTS or "dropout" in drawn:
                return drawn, name
        except Exception:
            # No call of memjax has the opposite, so what else fails in such a call is no fault.
            continue
    return [], None


def _sentence(module: nn.Module, drawn: list[str], argument: str | None, arguments: dict[str, bool]) -> str:
    what = "dropout" if "dropout" in drawn else f"random numbers of {drawn}"
    first = "" if argument else "give its call an argument train, for nn.Dropout(rate, deterministic=not train), and "
    training = not arguments[argument] if argument else True
    rngs = "" if drawn == ["dropout"] else f", rngs={tuple(drawn)}"
    return (
        f"{type(module).__name__} has {what}, which training would leave out: {first}wrap the module, memjax.models.Linen("
        f"module, argument={argument or 'train'!r}, training={training}{rngs}), or take the "
        f"{'dropout' if what == 'dropout' else 'random numbers'} out."
    )
