"""The shapes that values of a user's measure must have."""

from __future__ import annotations

import math
from typing import Any

import jax

from memjax.errors import InputError
from memjax.measures.measure import Measure

__all__ = ["check_shape"]


def check_shape(measure: Measure, value: Any, batch: int) -> None:
    """Raise `InputError` where the value of a measure, of ``batch`` examples if it is per example, is not what it declares."""
    for leaf in jax.tree.leaves(value):
        if jax.numpy.iscomplexobj(leaf):
            raise InputError(f"The measure {measure.name!r} gives complex numbers: take their size or their real part.")
    if measure.per_example:
        _expect_rows(measure, value, batch)
    elif isinstance(value, dict):
        if len(measure.dims) != 1:
            raise InputError(
                f"The measure {measure.name!r} gives a dict, so it needs the name of one dimension for its keys: wrap it "
                "in memjax.measures.Measure(function, name, dims=('part',))."
            )
        for entry in value.values():
            _expect(measure, entry, (), "a number for every key")
    else:
        rank = len(measure.dims)
        shape = getattr(value, "shape", None)
        what = "a number" if rank == 0 else f"an array with the {rank} dimensions {measure.dims}"
        _expect(measure, value, shape if shape is not None and len(shape) == rank else (math.inf,), what)


def _expect_rows(measure: Measure, value: Any, batch: int) -> None:
    if getattr(value, "shape", None) != (batch,):
        raise InputError(
            f"The measure {measure.name!r} is per example: it must give one value for each example, shape [B]; it gave "
            f"{_given(value, batch)}. Take a mean or a sum over all axes but the first, or leave per_example out for a value "
            "of all examples."
        )


def _given(value: Any, batch: int) -> str:
    if not hasattr(value, "shape"):
        return f"a {type(value).__name__}"
    axes = ["B" if place == 0 and size == batch else str(size) for place, size in enumerate(value.shape)]
    return f"[{', '.join(axes)}]" if axes else "one number for all"


def _expect(measure: Measure, value: Any, shape: tuple[float, ...], what: str) -> None:
    if getattr(value, "shape", None) != shape:
        got = f"shape {list(value.shape)}" if hasattr(value, "shape") else f"a {type(value).__name__}"
        raise InputError(
            f"The measure {measure.name!r} gives {got}, but must give {what}: change its result, or declare its "
            "dimensions with memjax.measures.Measure(function, name, dims=...)."
        )
