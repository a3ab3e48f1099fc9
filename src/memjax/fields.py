"""Fields of nested frozen dataclasses by path: find them, replace them, and separate traced numbers from structure.

An experiment is a tree of frozen dataclasses. A path such as ``optimizer.learning_rate`` names one field of the tree; the
keys of a mapping count as fields of the dataclass that has the mapping. A field declared with `traced`, and every float in
a mapping declared with it, enters the compiled program as data, so sweeping it compiles nothing. All else is structure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from flax.core import FrozenDict

from memjax.content.later import omitted

__all__ = [
    "Hole",
    "with_numbers",
    "is_node",
    "paths",
    "replace",
    "without_numbers",
    "traced",
    "traced_values",
]

_LINEN_FIELDS = {"parent", "name"}


def traced(default: float | None, *, later: bool = False) -> Any:
    """Declare a dataclass field whose number enters the compiled program as data.

    Sweeping such a field adds no compile. ``None`` and other values that are not numbers stay structure.

    Parameters
    ----------
    default
        The field's default value.
    later
        Whether earlier versions lacked the field. It is then no part of a spec at its default, where the program is that of
        the earlier versions: this one value is structure.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Noisy:
    ...     scale: float = traced(1.0)
    >>> dict(traced_values(Noisy(scale=2.0)))
    {'scale': 2.0}
    """
    return dataclasses.field(default=default, metadata={"traced": True} | ({"later": True} if later else {}))


@dataclasses.dataclass(frozen=True)
class Hole:
    """Placeholder for a traced number."""


HOLE = Hole()


def is_node(value: Any) -> bool:
    """Whether a value is a dataclass object whose fields have their own paths."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type | Hole)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | Hole) and not isinstance(value, bool)


def _children(node: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield ``(name, value, declared traced)`` for the fields of a dataclass; other objects have no fields."""
    if not is_node(node):
        return
    for field in dataclasses.fields(node):
        if field.name in _LINEN_FIELDS and hasattr(node, "clone"):
            continue
        value = getattr(node, field.name)
        if isinstance(value, Mapping):
            declared = bool(field.metadata.get("traced"))
            # An integer in a mapping may be a count that decides structure, so only floats are traced.
            yield from ((str(key), item, declared and not isinstance(item, int)) for key, item in value.items())
        else:
            yield field.name, value, bool(field.metadata.get("traced")) and not omitted(field, value)


def paths(node: Any, prefix: str = "") -> dict[str, Any]:
    """Every field of a tree of dataclasses by dotted path, outer fields before inner ones.

    Examples
    --------
    >>> from memjax.models import MLP
    >>> paths(MLP())["hidden"]
    (100, 100)
    """
    found: dict[str, Any] = {}
    for name, value, _ in _children(node):
        found[prefix + name] = value
        if is_node(value):
            found.update(paths(value, f"{prefix}{name}."))
    return found


def _rebuild(node: Any, changes: Mapping[str, Any], checked: bool = True) -> Any:
    """Copy one dataclass with some fields replaced, also inside mappings."""
    changes = dict(changes)
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Mapping):
            inner = {key: changes.pop(key) for key in value if key in changes}
            if inner:
                made = {**value, **inner}
                # Freezing here would hide from __post_init__ that a dict inside the mapping is new.
                nested = checked and any(isinstance(item, dict) for item in inner.values())
                changes[field.name] = made if nested else FrozenDict(made)
    if hasattr(node, "clone"):
        return node.clone(**changes)
    # Tracers and holes stand for numbers that were checked before, so __post_init__ must not check them again.
    if not checked or any(not _is_host_data(change) for change in changes.values()):
        copy = object.__new__(type(node))
        for field in dataclasses.fields(node):
            object.__setattr__(copy, field.name, changes.get(field.name, getattr(node, field.name)))
        return copy
    return dataclasses.replace(node, **changes)


def _is_host_data(value: Any) -> bool:
    """Whether a value consists of host data only, without tracers and holes."""
    if isinstance(value, Mapping):
        return all(_is_host_data(item) for item in value.values())
    if is_node(value):
        return all(_is_host_data(item) for _, item, _ in _children(value))
    return not isinstance(value, Hole) and not hasattr(value, "aval")


def replace(node: Any, changes: Mapping[str, Any], checked: bool = True) -> Any:
    """Copy a tree of dataclasses with the fields at given full paths replaced, all at once.

    A field is replaced before the fields inside it. No object is ever made with only some of its new fields, because new
    and old fields may contradict each other.

    Parameters
    ----------
    node
        The tree.
    changes
        New values by path.
    checked
        Whether the new objects check their fields.

    Examples
    --------
    >>> from memjax.models import MLP
    >>> replace(MLP(), {"hidden": (8,), "bias": False})
    MLP(hidden=(8,), activation='relu', bias=False, initializer='torch', init_scale=1.0, outputs=None)
    """
    if not changes:
        return node
    children = {name: item for name, item, _ in _children(node)}
    changed = {}
    for head in dict.fromkeys(path.partition(".")[0] for path in changes):
        inside = {path.partition(".")[2]: value for path, value in changes.items() if path.startswith(head + ".")}
        child = changes.get(head, children[head])
        changed[head] = replace(child, inside, checked) if inside else child
    return _rebuild(node, changed, checked)


def traced_values(node: Any, prefix: str = "") -> dict[str, Any]:
    """Every traced number of a tree of dataclasses, by path."""
    found: dict[str, Any] = {}
    for name, value, declared in _children(node):
        if is_node(value):
            found.update(traced_values(value, f"{prefix}{name}."))
        elif declared and _is_number(value):
            found[prefix + name] = value
    return found


def with_numbers(node: Any, values: Mapping[str, Any], prefix: str = "") -> Any:
    """Copy a tree of dataclasses with the numbers at the given paths replaced, tracers included."""
    changes: dict[str, Any] = {}
    for name, value, _ in _children(node):
        path = prefix + name
        if path in values:
            changes[name] = values[path]
        elif is_node(value) and any(key.startswith(path + ".") for key in values):
            changes[name] = with_numbers(value, values, path + ".")
    return _rebuild(node, changes) if changes else node


def without_numbers(node: Any) -> Any:
    """Copy a tree of dataclasses with a hole for every traced number: copies are equal exactly if the program is the same.

    Examples
    --------
    >>> from memjax.optimizers import adam, sgd
    >>> without_numbers(adam(1e-3)) == without_numbers(adam(1e-2)), without_numbers(adam(1e-3)) == without_numbers(sgd(1e-3))
    (True, False)
    """
    return with_numbers(node, dict.fromkeys(traced_values(node), HOLE))
