"""How names and plain functions become measures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memjax.errors import InputError, listing
from memjax.measures.measure import Measure

__all__ = ["as_measures"]


def as_measures(
    measures: Iterable[str | Measure | Callable[..., Any]], built_in: Mapping[str, Measure]
) -> tuple[Measure, ...]:
    """Turn names and plain functions into measures.

    Parameters
    ----------
    measures
        Names, `Measure` objects and functions ``(params, apply, examples)``.
    built_in
        Measures by name, in which names are looked up. Callers give `memjax.measures.BUILT_IN`.

    Returns
    -------
    tuple
        One `Measure` for each, in their order.

    Raises
    ------
    InputError
        If a name is unknown, two measures share a name, or something is not a function.

    Examples
    --------
    >>> def spread(params, apply, examples):
    ...     return params.std()
    >>> [measure.name for measure in as_measures(["half", spread], {"half": Measure(spread, "half")})]
    ['half', 'spread']
    """
    found = tuple(_one(measure, built_in) for measure in measures)
    names = [measure.name for measure in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Two measures are named {name!r}: give each its own name with memjax.measures.Measure.")
    return found


def _one(measure: str | Measure | Callable[..., Any], built_in: Mapping[str, Measure]) -> Measure:
    if isinstance(measure, Measure):
        return measure
    if isinstance(measure, str):
        if measure in built_in:
            return built_in[measure]
        raise InputError(f"The measure {measure!r} is not known: use {listing(built_in)}, or pass a function.")
    if callable(measure):
        name = getattr(measure, "__name__", "")
        if not name.isidentifier():
            raise InputError(
                f"The measure {measure!r} has no usable name: wrap it in memjax.measures.Measure(function, name)."
            )
        return Measure(measure, name, long_name=name.replace("_", " "))
    raise InputError(f"The measure {measure!r} is neither a name nor a function (params, apply, examples).")
