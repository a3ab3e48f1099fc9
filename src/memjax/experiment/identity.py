"""Compare encoded requests: values of an axis by a canonical text, experiments field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from memjax.experiment.encode import without_addresses

__all__ = ["BY_CONTENT", "first_difference", "key"]

BY_CONTENT = " by content"
"""Suffix of the path of a user's object that has the same name but another content."""


def key(value: Any) -> str:
    """Canonical text of an encoded value: equal values have equal texts, in every process.

    Examples
    --------
    >>> key([50.0, 0.5]), key({"reference": "functools.partial(<function f at 0x7f01>, 3)"})
    ('[50, 0.5]', '{"reference": "functools.partial(<function f>, 3)"}')
    """
    return without_addresses(json.dumps(_whole_as_int(value), sort_keys=True))


def _whole_as_int(value: Any) -> Any:
    """Replace whole floats by integers: 1.0 and 1 are the same value of a field."""
    if isinstance(value, Mapping):
        return {name: _whole_as_int(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_as_int(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def first_difference(
    ours: Any, theirs: Any, swept: frozenset[str] = frozenset(), path: str = ""
) -> tuple[str, Any, Any] | None:
    """First path at which two encoded values differ, with both values; the paths in ``swept`` are ignored.

    Examples
    --------
    >>> first_difference({"steps": 1, "task": {"input_dim": 9}}, {"steps": 1, "task": {"input_dim": 8}})
    ('task.input_dim', 9, 8)
    """
    if path in swept:
        return None
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return _first_of_lists(ours, theirs, swept, path)
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping) or ours.get("type") != theirs.get("type"):
        return None if key(ours) == key(theirs) else (path, ours, theirs)
    for name in dict.fromkeys([*ours, *theirs]):
        inner = (
            f"{path}{BY_CONTENT}"
            if name == "content" and "reference" in ours
            else f"{path}.{name}"
            if path
            else str(name)
        )
        found = first_difference(ours.get(name), theirs.get(name), swept, inner)
        if found:
            return found
    return None


def _first_of_lists(
    ours: list[Any], theirs: list[Any], swept: frozenset[str], path: str
) -> tuple[str, Any, Any] | None:
    """First difference of two lists: inside an entry if it holds a user's object, such as a measure; else the whole lists."""
    for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if key(one) != key(other):
            tables = isinstance(one, Mapping) and isinstance(other, Mapping)
            return first_difference(one, other, swept, f"{path}[{i}]") if tables else (path, ours, theirs)
    return None
