"""A user's functions and objects in text: for people to read, and as names in code that makes an experiment again."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

from memjax.experiment.encode import encode, without_addresses

__all__ = ["Key", "as_text", "key_of", "lines_of", "names_in_code", "own_objects"]

# What the code of a report calls its own objects.
_TAKEN = ("mj", "experiment", "over", "ds")

Key = tuple[str, str]


def key_of(value: Mapping[str, Any]) -> Key:
    """What tells a user's objects apart: two lambdas of one module have the same reference, and different content."""
    return str(value["reference"]), str(value.get("content", ""))


def as_text(reference: str, line: int | None = None) -> str:
    """Text for a user's object: the name of a function, and otherwise words that nobody takes for code.

    Parameters
    ----------
    reference
        Encoded name of the object.
    line
        Line of the file at which the function begins, where that is known.

    Examples
    --------
    >>> as_text("my.module:cube"), as_text("my.module:<lambda>", 12)
    ('cube', '<lambda of my.module:12>')
    >>> as_text("my.module:power.<locals>.inner(exponent=2)")
    '<power.<locals>.inner of my.module, closed over exponent=2>'
    >>> as_text("Arrays(x[60, 4])")
    'Arrays(x[60, 4])'
    """
    parts = _parts(reference)
    name = _name(reference)
    if name or parts is None:
        return name or without_addresses(reference)
    module, path, held = parts
    where = module if line is None else f"{module}:{line}"
    return f"<{'lambda' if path == '<lambda>' else path} of {where}{f', closed over {held}' if held else ''}>"


def _parts(reference: str) -> tuple[str, str, str] | None:
    """Module, name and captured numbers of a function or class; None for any other object."""
    found = re.fullmatch(r"([^:(]*):([^(]*)(?:\((.*)\))?", reference, re.DOTALL)
    return None if found is None else (found[1], found[2], found[3] or "")


def _name(reference: str) -> str:
    """The name by which a user can import a function or class; empty where there is none."""
    parts = _parts(reference)
    if parts is None or parts[2] or not all(part.isidentifier() for part in parts[1].split(".")):
        return ""
    return parts[1].rpartition(".")[2]


def lines_of(objects: list[Any]) -> dict[Key, int]:
    """At which lines the functions among a user's objects begin."""
    codes = ((thing, getattr(thing, "__code__", None)) for thing in objects)
    return {key_of(encode(thing)): code.co_firstlineno for thing, code in codes if code is not None}


def names_in_code(value: Any) -> dict[Key, str]:
    """A Python name for each of the user's objects in an encoded value, no two of which are equal.

    A function or class keeps its name. A lambda, a closure or another object is named after its field.

    Examples
    --------
    >>> lambdas = [{"reference": "m:<lambda>", "content": "1"}, {"reference": "m:<lambda>", "content": "2"}]
    >>> list(names_in_code({"activation": lambdas, "loss": {"reference": "m:huber"}}).values())
    ['your_activation', 'your_activation_2', 'huber']
    """
    names: dict[Key, str] = {}
    for field, found in _found(value, "object"):
        wanted = _name(found[0])
        if not wanted or keyword.iskeyword(wanted):
            wanted = "your_" + re.sub(r"\W+", "_", field.rpartition(".")[2]).strip("_")
        names.setdefault(found, _free(wanted, {*_TAKEN, *names.values()}))
    return names


def _free(wanted: str, taken: set[str]) -> str:
    """The wanted name, with a number where it is taken."""
    numbered = (wanted if i == 1 else f"{wanted}_{i}" for i in range(1, len(taken) + 2))
    return next(name for name in numbered if name not in taken)


def _found(value: Any, field: str) -> Iterator[tuple[str, Key]]:
    """The user's objects in an encoded value, each with the name of its field."""
    if isinstance(value, Mapping) and "reference" in value:
        yield field, key_of(value)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _found(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _found(item, field)


def own_objects(value: Any) -> dict[str, str]:
    """References of the user's objects in an encoded value, by the names that `names_in_code` gives them."""
    return {name: reference for (reference, _), name in names_in_code(value).items()}
