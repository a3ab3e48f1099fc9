"""Compare the numbers in two traces of a function: traces of an impure function contain different numbers."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.extend.core import Literal

__all__ = ["same_numbers"]


def same_numbers(one: Any, other: Any) -> bool:
    """Whether two jaxprs have the same operations and the same constants; shapes may differ."""
    one, one_values = getattr(one, "jaxpr", one), getattr(one, "consts", ())
    other, other_values = getattr(other, "jaxpr", other), getattr(other, "consts", ())
    pairs = list(zip(one.eqns, other.eqns, strict=False))
    return (
        len(one.eqns) == len(other.eqns)
        and len(one_values) == len(other_values)
        and all(map(_equal, one_values, other_values))
        and all(a.primitive is b.primitive and _same_operands(a, b) for a, b in pairs)
        and _same_literals(one.outvars, other.outvars)
    )


def _same_operands(a: Any, b: Any) -> bool:
    inner = zip(_inner(a), _inner(b), strict=False)
    return _same_literals(a.invars, b.invars) and all(same_numbers(x, y) for x, y in inner)


def _same_literals(one: Any, other: Any) -> bool:
    return all(
        isinstance(x, Literal) == isinstance(y, Literal) and (not isinstance(x, Literal) or _equal(x.val, y.val))
        for x, y in zip(one, other, strict=False)
    )


def _inner(eqn: Any) -> list[Any]:
    """Jaxprs inside an operation: of a jitted function, of a loop's body, of the branches of a condition."""
    held = jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda part: not isinstance(part, list | tuple))
    return [part for part in held if hasattr(part, "jaxpr") or hasattr(part, "eqns")]


def _equal(a: Any, b: Any) -> bool:
    try:
        return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)
    except TypeError:  # NumPy cannot convert random keys
        return False
