"""What of an object's state can change a number: caches, names and what comes with use are left out."""

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

__all__ = ["WEAK", "beside_fields", "beside_wrapped", "is_linen", "reduced", "settled"]

WEAK = weakref.WeakKeyDictionary, weakref.WeakValueDictionary, weakref.WeakSet
"""Containers that keep nothing alive, which serve as caches."""


def is_linen(thing: Any) -> bool:
    """Whether an object is a Linen module, whose parent, and whose state, say nothing of what the module computes."""
    return any(kind.__module__.startswith("flax.linen") for kind in type(thing).__mro__)


def beside_fields(thing: Any) -> dict[str, Any]:
    """Attributes of a dataclass of the user's own that are no fields, such as arrays that ``__post_init__`` read.

    Examples
    --------
    >>> Own = dataclasses.make_dataclass("Own", ["name"])
    >>> Own.__module__, own = "__main__", Own("a")
    >>> own.table = [1, 2]
    >>> beside_fields(own)
    {'table': [1, 2]}
    """
    if is_linen(thing) or origin.installed_class(type(thing)):
        return {}
    fields = {field.name for field in dataclasses.fields(thing)}
    return {name: value for name, value in sorted(_kept(thing, vars_of(thing)).items()) if name not in fields}


def beside_wrapped(thing: Any) -> dict[str, Any]:
    """What an object around a function holds beside the function, such as the rule of a `jax.custom_jvp`."""
    return {name: value for name, value in sorted(vars_of(thing).items()) if not name.startswith("_")}


def vars_of(thing: Any) -> dict[str, Any]:
    """Attributes that an object has by itself."""
    return dict(getattr(thing, "__dict__", None) or {})


def reduced(thing: Any) -> Any:
    """What pickle would keep of an object; a name only where the object is found by that name."""
    known = copyreg.dispatch_table.get(type(thing))
    found = thing.__reduce_ex__(4) if known is None else known(thing)
    if not isinstance(found, str):
        return found
    module = pickle.whichmodule(thing, found)  # type: ignore[attr-defined]
    if getattr(sys.modules.get(module), found, None) is not thing:
        raise ValueError(f"nothing is found by its name {found}")
    return f"{module.partition('.')[0]}:{found}"


def settled(thing: Any, state: Any) -> Any:
    """State of an object without what comes with use."""
    if isinstance(state, tuple):
        parts = tuple(settled(thing, part) for part in state)
        return tuple(part for part in parts if not _empty(part)) if origin.installed_class(type(thing)) else parts
    return _kept(thing, state) or None if isinstance(state, dict) else state


def _kept(thing: Any, state: dict[str, Any]) -> Mapping[str, Any]:
    """Attributes in no order, without caches."""
    cached = functools.cached_property
    kept = {
        name: value for name, value in state.items() if not isinstance(getattr(type(thing), str(name), None), cached)
    }
    if not origin.installed_class(type(thing)):
        return types.MappingProxyType(kept)
    # Those of pandas and xarray make their caches, and their empty attributes, when they are looked at.
    return types.MappingProxyType(
        {name: value for name, value in kept.items() if name != "_cache" and not _empty(value)}
    )


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, dict | types.MappingProxyType) and not value)
