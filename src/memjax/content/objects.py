"""The part of an object's state that can change a number: without caches, names, and attributes that use adds."""

from __future__ import annotations

import copyreg
import dataclasses
import functools
import pickle
import sys
import types
import weakref
from collections.abc import Mapping
from typing import Any

from memjax.content import origin

__all__ = ["WEAK", "extra_attributes", "wrapper_attributes", "is_linen", "reduced", "settled_state"]

WEAK = weakref.WeakKeyDictionary, weakref.WeakValueDictionary, weakref.WeakSet
"""Containers that do not keep their members alive, and so serve as caches."""


def is_linen(thing: Any) -> bool:
    """Whether an object is a Linen module: its fields ``parent`` and state do not affect its results."""
    return any(kind.__module__.startswith("flax.linen") for kind in type(thing).__mro__)


def extra_attributes(thing: Any) -> dict[str, Any]:
    """Attributes of a user's dataclass that are not fields, such as arrays that ``__post_init__`` read.

    Examples
    --------
    >>> Own = dataclasses.make_dataclass("Own", ["name"])
    >>> Own.__module__, own = "__main__", Own("a")
    >>> own.table = [1, 2]
    >>> extra_attributes(own)
    {'table': [1, 2]}
    """
    if is_linen(thing) or origin.installed_class(type(thing)):
        return {}
    fields = {field.name for field in dataclasses.fields(thing)}
    return {name: value for name, value in sorted(_without_caches(thing, vars_of(thing)).items()) if name not in fields}


def wrapper_attributes(thing: Any) -> dict[str, Any]:
    """Attributes of a function's wrapper other than the function, such as the rule of a `jax.custom_jvp`."""
    return {name: value for name, value in sorted(vars_of(thing).items()) if not name.startswith("_")}


def vars_of(thing: Any) -> dict[str, Any]:
    """Attributes of the object itself, without those of its class."""
    return dict(getattr(thing, "__dict__", None) or {})


def reduced(thing: Any) -> Any:
    """The state that pickle would save; a name only if the object can be found by that name."""
    known = copyreg.dispatch_table.get(type(thing))
    found = thing.__reduce_ex__(4) if known is None else known(thing)
    if not isinstance(found, str):
        return found
    module = pickle.whichmodule(thing, found)  # type: ignore[attr-defined]
    if getattr(sys.modules.get(module), found, None) is not thing:
        raise ValueError(f"nothing is found by its name {found}")
    return f"{module.partition('.')[0]}:{found}"


def settled_state(thing: Any, state: Any) -> Any:
    """State of an object without the attributes that use adds."""
    if isinstance(state, tuple):
        parts = tuple(settled_state(thing, part) for part in state)
        return tuple(part for part in parts if not _empty(part)) if origin.installed_class(type(thing)) else parts
    return _without_caches(thing, state) or None if isinstance(state, dict) else state


def _without_caches(thing: Any, state: dict[str, Any]) -> Mapping[str, Any]:
    """Attributes without caches, in no particular order."""
    cached = functools.cached_property
    kept = {
        name: value for name, value in state.items() if not isinstance(getattr(type(thing), str(name), None), cached)
    }
    if not origin.installed_class(type(thing)):
        return types.MappingProxyType(kept)
    # Objects of pandas and xarray create caches and empty attributes when they are read.
    return types.MappingProxyType(
        {name: value for name, value in kept.items() if name != "_cache" and not _empty(value)}
    )


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, dict | types.MappingProxyType) and not value)
