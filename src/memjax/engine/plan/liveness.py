"""The memory that a function needs for its values, from its jaxpr: the most bytes that are alive at once.

A value is alive from the operation that makes it to the last one that reads it. XLA fuses some values away, holds a few others
for longer, and takes another order; the sum over all values, by contrast, is several times the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.extend.core import Literal

__all__ = ["array_bytes", "inner_jaxprs", "peak_bytes"]

# The same numbers under another shape; a matrix product reads a transposed operand in place.
_VIEWS = frozenset({"reshape", "squeeze", "transpose"})


def peak_bytes(function: Callable[..., Any], *arguments: Any) -> int:
    """The most bytes of a function's values that are alive at once, without its arguments; compiles nothing.

    Parameters
    ----------
    function
        Any function that JAX can trace.
    arguments
        Shape structs of its arguments.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> peak_bytes(lambda x: jnp.exp(x).sum(), jax.ShapeDtypeStruct((100, 3), "float32"))
    1204
    """
    return _peak(jax.make_jaxpr(function)(*arguments).jaxpr)


def _peak(jaxpr: Any) -> int:
    last = {var: place for place, equation in enumerate(jaxpr.eqns) for var in _variables(equation.invars)}
    last |= dict.fromkeys(_variables(jaxpr.outvars), len(jaxpr.eqns))
    alive: dict[Any, int] = {}
    most = held = 0
    for place, equation in enumerate(jaxpr.eqns):
        inside = max((_peak(inner) for inner in inner_jaxprs(equation)), default=0)
        made = {var: 0 if equation.primitive.name in _VIEWS else array_bytes(var.aval) for var in equation.outvars}
        most = max(most, held + inside, held + sum(made.values()))
        alive |= made
        held += sum(made.values())
        for var in (*made, *_variables(equation.invars)):
            if last.get(var, -1) <= place:
                held -= alive.pop(var, 0)
    return most


def _variables(atoms: Any) -> list[Any]:
    return [atom for atom in atoms if not isinstance(atom, Literal)]


def inner_jaxprs(equation: Any) -> Iterator[Any]:
    """Jaxprs inside an operation: of calls, loops and branches."""
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            found = getattr(part, "jaxpr", part)
            if hasattr(found, "eqns"):
                yield found


def array_bytes(array: Any) -> int:
    """Bytes of an array, or of anything else with a shape and a dtype; of a token, four.

    Examples
    --------
    >>> array_bytes(jax.ShapeDtypeStruct((3, 5), "float16"))
    30
    """
    return math.prod(getattr(array, "shape", ())) * getattr(getattr(array, "dtype", None), "itemsize", 4)
