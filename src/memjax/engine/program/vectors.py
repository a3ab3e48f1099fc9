"""What the training loop holds of the runs of a block: one vector for all parameters of a run, where the optimizer allows it.

For every array of parameters, the optimizer and the check for finite numbers are operations of their own, which in a small
network take longer than their arithmetic. On vectors they are one pass. Outside the loop, parameters are trees.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from memjax.engine.program.program import Program
from memjax.jax_settings import float_dtype
from memjax.parameter_trees import tree_like
from memjax.types import Params

__all__ = [
    "as_held",
    "as_held_one",
    "as_tree",
    "as_tree_one",
    "held_shapes",
    "start_shapes",
    "state_as_held",
    "state_as_tree",
]


def start_shapes(program: Program) -> tuple[Any, Any, Any]:
    """Shape structs of the arguments of ``draw``, and of parameters and optimizer state of one run."""
    return _start_shapes(program, float_dtype().name)


@functools.lru_cache(maxsize=64)
def _start_shapes(program: Program, dtype: str) -> tuple[Any, Any, Any]:
    one = {path: jax.ShapeDtypeStruct((), dtype) for path in program.traced}
    key = jax.ShapeDtypeStruct((2,), "uint32")
    params = jax.eval_shape(program.draw, key, one)
    return (key, one), params, jax.eval_shape(program.first_state, params, key, one)


def _vectors(program: Program) -> Any:
    """Shape structs of the vector and the optimizer state of one run; None where the loop holds trees."""
    return _vector_shapes(program, float_dtype().name)


@functools.lru_cache(maxsize=64)
def _vector_shapes(program: Program, dtype: str) -> Any:
    del dtype
    arguments, params, _ = start_shapes(program)
    dtypes = {leaf.dtype for leaf in jax.tree.leaves(params)}
    alike = len(dtypes) == 1 and all(jnp.issubdtype(dtype, jnp.floating) for dtype in dtypes)
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    # A user's optimizer may treat layers differently.
    if not program.optimizer.built_in or not alike or not size:
        return None
    vector = jax.ShapeDtypeStruct((size,), dtypes.pop())
    return vector, jax.eval_shape(program.first_state, vector, *arguments)


def as_held(program: Program, tree: Params) -> Params:
    """Parameters ``[R, ...]`` of all runs, or their gradient, as the loop holds them: ``[R, P]``, or the tree itself."""
    return tree if _vectors(program) is None else _joined(tree)


def as_tree(program: Program, held: Params) -> Params:
    """Parameters of all runs as a tree, from what the loop holds."""
    return held if _vectors(program) is None else tree_like(start_shapes(program)[1], held)


def as_tree_one(program: Program, held: Params) -> Params:
    """Parameters of one run as a tree in the dtypes of the model, from the loop's form in any dtype."""
    like = start_shapes(program)[1]
    return jax.tree.map(lambda leaf, own: leaf.astype(own.dtype), as_tree(program, held), like)


def as_held_one(program: Program, tree: Params) -> Params:
    """Parameters of one run, or their gradient, in the loop's form."""
    if _vectors(program) is None:
        return tree
    return jnp.concatenate([leaf.reshape(-1) for leaf in jax.tree.leaves(tree)])


def held_shapes(program: Program) -> tuple[Any, Any]:
    """Shape structs of parameters and optimizer state of one run in the loop's form."""
    vectors = _vectors(program)
    found: tuple[Any, Any] = start_shapes(program)[1:] if vectors is None else vectors
    return found


def state_as_held(program: Program, state: tuple[Any, Any]) -> tuple[Any, Any]:
    """Parameters and optimizer state of all runs as the loop holds them, from trees."""
    vectors = _vectors(program)
    if vectors is None:
        return state
    # A leaf of vectors is a leaf of the state, or stands for a tree with the structure of the parameters.
    one = lambda leaf, part: _joined(part, leaf.ndim - 1).reshape(-1, *leaf.shape)  # noqa: E731
    held: tuple[Any, Any] = jax.tree.map(one, vectors, state)
    return held


def state_as_tree(program: Program, held: tuple[Any, Any]) -> tuple[Any, Any]:
    """Parameters and optimizer state of all runs as trees, from what the loop holds."""
    if _vectors(program) is None:
        return held
    state: tuple[Any, Any] = jax.tree.map(_parted, held, start_shapes(program)[1:])
    return state


def _joined(tree: Params, lead: int = 0) -> jax.Array:
    """Leaves ``[R, ...]`` side by side, ``[R, P]``; ``lead`` axes after the first are those of several vectors of a run."""
    lead = max(lead, 0)
    return jnp.concatenate([leaf.reshape(*leaf.shape[: 1 + lead], -1) for leaf in jax.tree.leaves(tree)], axis=1 + lead)


def _parted(leaf: jax.Array, part: Params) -> Params:
    """A leaf of the loop's form as a leaf of the state, or as a tree with the structure of the parameters."""
    lead = leaf.shape[1 : max(leaf.ndim - 1, 1)]
    if not lead:
        return tree_like(part, leaf.reshape(leaf.shape[0], -1))
    return tree_like(jax.tree.map(lambda own: jax.ShapeDtypeStruct(own.shape[len(lead) :], own.dtype), part), leaf)
