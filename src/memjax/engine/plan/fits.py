"""The work and the memory of closed-form fits, from their jaxprs; nothing is compiled.

XLA's own count takes one turn of a loop, and nothing for linear algebra.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp

from memjax.engine.plan.liveness import inner_jaxprs, peak_bytes
from memjax.engine.program.program import Program
from memjax.engine.program.vectors import start_shapes
from memjax.examples import Examples
from memjax.types import Array, Params

__all__ = ["fit_bytes", "fit_operations", "operations"]

# LAPACK does 1.4e10 to 4.7e10 operations a second on a core where a matrix product does 2.2e11 (matrices of
# 100 to 600 columns).
_SLOWER = 7


def operations(jaxpr: Any) -> float:
    """Operations of a jaxpr with all turns of its loops; one of linear algebra counts as several of a product.

    A loop of unknown length counts as one turn.

    Examples
    --------
    >>> turns = lambda x: jax.lax.fori_loop(0, 10, lambda i, y: y @ y, x)
    >>> operations(jax.make_jaxpr(turns)(jnp.ones((3, 3))).jaxpr) >= 10 * 2 * 3**3
    True
    """
    return sum(_of_one(equation) for equation in jaxpr.eqns)


def _of_one(equation: Any) -> float:
    name, out = equation.primitive.name, sum(math.prod(getattr(var.aval, "shape", ())) for var in equation.outvars)
    inside = [operations(inner) for inner in inner_jaxprs(equation)]
    if inside:
        return float(sum(inside) * equation.params.get("length", 1))
    if name == "dot_general":
        shape, (contracted, _) = equation.invars[0].aval.shape, equation.params["dimension_numbers"][0]
        return 2.0 * out * math.prod(shape[axis] for axis in contracted)
    if name in ("geqrf", "qr", "svd"):
        *many, rows, columns = equation.invars[0].aval.shape
        each = 2 * rows * columns**2 if name != "svd" else 20 * max(rows, columns) * min(rows, columns) ** 2
        return float(_SLOWER * math.prod(many) * each)
    return float(out)


def fit_operations(program: Program, count: int, dtype: str) -> float:
    """Operations of a fit of one run to ``count`` examples."""
    return operations(_traced(program, count, dtype).jaxpr)


@functools.lru_cache(maxsize=1024)
def fit_bytes(program: Program, count: int, dtype: str) -> int:
    """Bytes of the values of one run in a fit that takes ``count`` examples at once."""
    del dtype
    return peak_bytes(_fit(program), *_shapes(program, count))


@functools.lru_cache(maxsize=1024)
def _traced(program: Program, count: int, dtype: str) -> Any:
    del dtype
    return jax.make_jaxpr(_fit(program))(*_shapes(program, count))


def _fit(program: Program) -> Any:
    def fit(params: Params, hyper: Any, x: Array, y: Array, size: Array) -> Params:
        model: Any = program.model_with(hyper)
        return model.fit(params, Examples(x, y, None, 0, size, jnp.int32(1), True))

    return fit


def _shapes(program: Program, count: int) -> tuple[Any, ...]:
    (_, hyper), params, _ = start_shapes(program)
    size = jax.ShapeDtypeStruct((), "int32")
    return params, hyper, program.x.struct(1, count), program.y.struct(1, count), size
