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
from memjax.engine.program.initial import host
from memjax.engine.program.program import ShapeOf
from memjax.errors import InputError, cause
from memjax.jax_settings import float_dtype
from memjax.parameter_trees import alone
from memjax.types import PaddableModel

__all__ = ["can_pad"]

_ROWS = 5
# Rounding of sums in another order; a padding that is wrong differs by the size of the numbers themselves.
_TOLERANCE = 1e-3


def can_pad(model: Any, x: ShapeOf) -> bool:
    """Whether a model says how it is padded, for inputs of a shape, and keeps its word.

    A model of memjax with a function of the user's, such as an activation that mixes units, may not keep it: then it is not
    padded.

    Raises
    ------
    InputError
        If a user's own model does not keep its word.
    """
    if not isinstance(model, PaddableModel) or not model.widths:
        return False
    if not is_user_code(model):
        return True
    hashed: Any = model
    fault = _fault(hashed, x, float_dtype().name)
    if fault and is_user_code(type(model)):
        raise InputError(
            f"The model {model!r} {fault}: correct its widths, padded and pad, or leave them out, and every width is a "
            "program of its own."
        )
    return fault is None


@functools.lru_cache(maxsize=256)
def _fault(model: Any, x: ShapeOf, dtype: str) -> str | None:
    del dtype  # Parameters of a model on tokens follow JAX's setting of 64 bits.
    widths = tuple(width + 1 + place for place, width in enumerate(model.widths))
    try:
        with jax.default_device(host()):
            return _tried(model, model.padded(widths), widths, _rows(x))
    except Exception as problem:
        return f"cannot be padded from the widths {tuple(model.widths)} to {widths}: {cause(problem)[:-1]}"


def _rows(x: ShapeOf) -> Any:
    shape = _ROWS, *x[0]
    if "int" in x[1]:
        return jnp.asarray(np.arange(np.prod(shape)).reshape(shape) % 2, x[1])
    return jnp.asarray(np.sin(1 + np.arange(np.prod(shape))).reshape(shape), x[1])


def _tried(model: Any, wide: Any, widths: tuple[int, ...], x: Any) -> str | None:
    own = jax.tree.map(np.asarray, jax.jit(model.init)(jax.random.key(0), x[:1]))
    # Perturbed, because an array of zeros would agree with anything.
    own = jax.tree.map(lambda leaf: leaf + 0.1 * np.cos(np.arange(leaf.size)).reshape(leaf.shape), own)
    padded, mask = model.pad(own, widths), model.pad(jax.tree.map(lambda leaf: np.ones(leaf.shape, bool), own), widths)
    like = jax.eval_shape(wide.init, jax.random.key(0), x[:1])
    same: bool = jax.tree.structure(padded) == jax.tree.structure(like)  # type: ignore[operator]
    if not same or _shapes(padded) != _shapes(like):
        return f"pads its parameters to other arrays than the model of the widths {widths} has"
    flat, live = (np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]) for tree in (padded, mask))
    if not np.array_equal(flat[live], np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(own)])):
        return "puts its parameters in another order when it pads them"
    if flat[~live].any():
        return "puts other numbers than zero in its padding"
    here, there = _value_and_gradient(model, own, x, None), _value_and_gradient(wide, padded, x, mask)
    wanted = here[0], model.pad(jax.tree.map(np.asarray, here[1]), widths)
    return (
        None
        if _close(wanted, there)
        else "computes something else from padded parameters, or has another gradient there"
    )


def _value_and_gradient(model: Any, params: Any, x: Any, live: Any) -> Any:
    total = lambda p: jnp.sin(model.apply(alone(p, live), x).astype(float)).sum()  # noqa: E731
    return jax.jit(model.apply)(params, x), jax.jit(jax.grad(total))(params)


def _shapes(tree: Any) -> list[tuple[int, ...]]:
    return [tuple(leaf.shape) for leaf in jax.tree.leaves(tree)]


def _close(one: Any, other: Any) -> bool:
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.allclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE * np.abs(a).max(initial=0)) for a, b in leaves)
