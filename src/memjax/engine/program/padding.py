"""The contract of a model that can be padded, tried on a few rows before training.

A padded network must compute what the true network computes and get the same gradient; else it would learn something else
without a word.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import is_user_code
from memjax.content import try_content
from memjax.engine.program.initial import host
from memjax.engine.program.program import ShapeOf
from memjax.errors import InputError, cause
from memjax.jax_settings import float_dtype
from memjax.models import MLP
from memjax.models.padding import Stack
from memjax.models.randomness import is_random
from memjax.parameter_trees import alone, ranks
from memjax.random import generator
from memjax.types import PaddableModel

__all__ = ["can_pad", "can_stack"]

_ROWS = 64
# Rounding of sums in another order; a padding that is wrong differs by the size of the numbers themselves.
_TOLERANCE = 1e-3


def can_pad(model: Any, x: ShapeOf) -> bool:
    """Whether a model says how it is padded, for inputs of a shape, and keeps its word.

    A model that only inherits its padding, or that has a function of the user's, such as an activation that mixes units, may
    not keep it: then it is not padded.

    Raises
    ------
    InputError
        If a user's own padding does not keep its word.
    """
    if not isinstance(model, PaddableModel) or (isinstance(model.widths, tuple) and not model.widths):
        return False
    if not is_user_code(model):
        return True
    if is_random(model) and is_user_code(type(model).apply_train):  # type: ignore[attr-defined]
        # What is drawn for a unit may hang on the units beside it.
        return False
    fault = _fault_of(model, x, stacked=False)
    if fault and _own_padding(type(model)):
        raise InputError(
            f"The model {model!r} {fault}: correct its widths, padded and pad, or leave them out, and every width is a "
            "program of its own."
        )
    return fault is None


def can_stack(model: Any, x: ShapeOf) -> bool:
    """Whether networks of this model's kind of several depths can share a program, for inputs of a shape.

    A user's class that inherits from `MLP` may compute something else. A user's activation is tried.
    """
    if type(model) is not MLP or model.stack is None:
        return False
    return not is_user_code(model) or _fault_of(model, x, stacked=True) is None


def _fault_of(model: Any, x: ShapeOf, *, stacked: bool) -> str | None:
    return _fault(model, x, float_dtype().name, try_content(model) or "", stacked)


def _own_padding(kind: type) -> bool:
    """Whether a user wrote the padding of a class of models, and wrote it for this ``apply``."""
    places = {name: next(i for i, one in enumerate(kind.__mro__) if name in vars(one)) for name in ("pad", "apply")}
    return is_user_code(kind.__mro__[places["pad"]]) and places["pad"] <= places["apply"]


@functools.lru_cache(maxsize=256)
def _fault(model: Any, x: ShapeOf, dtype: str, content: str, stacked: bool) -> str | None:
    # Parameters of a model on tokens follow JAX's setting of 64 bits; a function may read a global that has changed.
    del dtype, content
    if not isinstance(model.widths, tuple) or not all(isinstance(width, int) for width in model.widths):
        return f"has widths = {model.widths!r}, which must be a tuple of whole numbers"
    widths: Any = tuple(width + 1 + place for place, width in enumerate(model.widths))
    if stacked:
        widths = Stack(model.stack.width + 1, model.stack.layers + 2)
    try:
        with jax.default_device(host()):
            activation = getattr(model, "activation", None)
            if callable(activation) and not _by_entry(activation):
                return "has an activation that mixes the units of a layer"
            return _tried(model, model.padded(widths), widths, _rows(x))
    except Exception as problem:
        return f"cannot be padded from the widths {tuple(model.widths)} to {widths}: {cause(problem)[:-1]}"


def _by_entry(activation: Any) -> bool:
    """Whether a function of units and examples gives each entry a value of its own."""
    for scale in (0.1, 1.0, 10.0):
        entries = jnp.asarray(scale * generator(0, "padding").normal(size=(7, _ROWS)), float_dtype())
        alone = jax.vmap(jax.vmap(lambda entry: activation(entry[None, None])[0, 0]))(entries)
        if not _close(activation(entries), alone):
            return False
    return True


def _rows(x: ShapeOf) -> Any:
    shape = _ROWS, *x[0]
    if "int" in x[1]:
        return jnp.asarray(np.arange(np.prod(shape)).reshape(shape) % 2, x[1])
    return jnp.asarray(generator(1, "padding").normal(size=shape), x[1])


def _tried(model: Any, wide: Any, widths: Any, x: Any) -> str | None:
    own = jax.tree.map(np.asarray, jax.jit(model.init)(jax.random.key(0), x[:1]))
    # Perturbed, because an array of zeros would agree with anything.
    own = jax.tree.map(lambda leaf: leaf + 0.1 * np.cos(np.arange(leaf.size)).reshape(leaf.shape), own)
    padded, places = model.pad(own, widths), model.pad(ranks(own), widths)
    like = jax.eval_shape(wide.init, jax.random.key(0), x[:1])
    same: bool = jax.tree.structure(padded) == jax.tree.structure(like)  # type: ignore[operator]
    if not same or _shapes(padded) != _shapes(like):
        return f"pads its parameters to other arrays than the model of the widths {widths} has"
    flat, at, true = (np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(t)]) for t in (padded, places, own))
    if (
        not np.array_equal(np.sort(at[at != 0]), np.arange(len(true)) + 1)
        or (flat[at != 0] != true[at[at != 0] - 1]).any()
    ):
        return "does not put each parameter in one place of its own when it pads them"
    if flat[at == 0].any():
        return "puts other numbers than zero in its padding"
    here, there = _derivatives(model, own, x, None), _derivatives(wide, padded, x, places)
    wanted = here[0], *(model.pad(jax.tree.map(np.asarray, part), widths) for part in here[1:])
    return (
        None
        if _close(wanted, there)
        else "computes something else from padded parameters, or has another gradient or curvature there"
    )


def _derivatives(model: Any, params: Any, x: Any, live: Any) -> Any:
    """Outputs, gradient of a sum of them, and product of its Hessian with the parameters."""
    total = lambda p: jnp.sin(model.apply(alone(p, live), x).astype(float)).sum()  # noqa: E731
    gradient, back = jax.vjp(jax.grad(total), params)
    return jax.jit(model.apply)(params, x), gradient, alone(back(params)[0], live)


def _shapes(tree: Any) -> list[tuple[int, ...]]:
    return [tuple(leaf.shape) for leaf in jax.tree.leaves(tree)]


def _close(one: Any, other: Any) -> bool:
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.allclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE * np.abs(a).max(initial=0)) for a, b in leaves)
