"""Experiments and sweeps from JSON or TOML: plain data in, no code run from it.

``encode.py`` writes what this file reads. What is the user's own is written by name and content, and can be read back
only by handing it over in ``using``; an object of that name that holds something else is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from memjax import optimizers
from memjax.checks.json_text import read_json
from memjax.checks.suggestions import meant
from memjax.content import content, same
from memjax.errors import InputError, listing
from memjax.experiment.encode import known_types, reference, without_addresses
from memjax.optimizers import frozen

__all__ = ["decode", "from_table", "parse"]

T = TypeVar("T")

_DEEPEST = 20


def parse(kind: type[T], text: str, using: Sequence[Any] = ()) -> T:
    """Read an experiment, whose class is ``kind``, from JSON text; fields left out keep their defaults.

    Raises
    ------
    InputError
        If the text is not such JSON, names something unknown, or refers to an object that is not in ``using``.
    """
    if not isinstance(text, str):
        raise InputError(f"The experiment is {text!r}: give its JSON as text.")
    try:
        data = read_json(text)
    except (ValueError, RecursionError) as problem:
        raise InputError(f"The experiment is not valid JSON: {problem}.") from None
    return from_table(kind, data, using)


def from_table(kind: type[T], data: Any, using: Sequence[Any] = ()) -> T:
    """Build an experiment, whose class is ``kind``, from decoded JSON or TOML."""
    if not isinstance(data, Mapping):
        raise InputError(f"An experiment must be a table of fields, but got {type(data).__name__}.")
    made: T = _build("the experiment", kind, data, using, 0)
    return made


def decode(value: Any, using: Sequence[Any] = ()) -> Any:
    """Value of a field from plain data, as `encode` wrote it.

    Examples
    --------
    >>> decode({"type": "models.MLP", "hidden": [8]}).hidden
    (8,)
    """
    return _decode(value, using, 1)


def _decode(value: Any, using: Sequence[Any], depth: int) -> Any:
    if depth > _DEEPEST:
        raise InputError(f"The spec is nested more than {_DEEPEST} deep, which no experiment is.")
    if isinstance(value, list):
        return tuple(_decode(item, using, depth + 1) for item in value)
    if not isinstance(value, Mapping):
        return value
    if "reference" in value and set(value) <= {"reference", "content"}:
        return _referred(value["reference"], value.get("content"), using)
    if "type" not in value:
        raise InputError(
            f"The table with the fields {listing(sorted(value))} needs a 'type': use {listing(known_types())}."
        )
    kind = value["type"]
    fields = {name: item for name, item in value.items() if name != "type"}
    if kind == "tree":
        return frozen.read(fields, lambda item: _decode(item, using, depth + 1))
    if kind == "optimizers.from_optax":
        return _build(kind, optimizers.from_optax, fields, using, depth)
    if not isinstance(kind, str) or kind not in known_types():
        raise InputError(
            f"The type {kind!r} is not known: use {listing(known_types())}, or hand your own over in Python."
        )
    if hasattr(known_types()[kind], "content"):
        content = fields.pop("content", None)
        return _checked(_build(kind, known_types()[kind], fields, using, depth), content)
    return _build(kind, known_types()[kind], fields, using, depth)


def _checked(made: Any, content: Any) -> Any:
    """An object whose files hold what they held when it was written; those that are not there are missed on first use."""
    now = made.content if content is not None else None
    if now not in (None, content):
        raise InputError(
            f"The files of {made!r} have changed since this was written: their content was {content!r} and is {now!r}. Put the "
            "former files back, or begin anew with those of now."
        )
    return made


def _referred(name: Any, held: Any, using: Sequence[Any]) -> Any:
    """The object in ``using`` that a spec refers to by its name, and by the content of that name if the spec says one."""
    called = [
        thing
        for thing in using
        if isinstance(name, str) and without_addresses(reference(thing)) == without_addresses(name)
    ]
    if not called:
        raise InputError(
            f"The spec refers to {name!r}, which is not data: read it from Python with using=(that object,), for memjax never "
            "imports what a file names."
        )
    if not isinstance(held, str):
        return called[0]
    for thing in called:
        # Another version of Python compiles the same text to other code, so the name alone has to do there.
        if same(content(thing), held) is not False:
            return thing
    raise InputError(
        f"The spec refers to {name!r}, and the object of that name now holds something else than when the spec was "
        "written: its code, its default arguments, or values and arrays that it uses have changed. Hand over the former "
        "object in using."
    )


def _build(what: str, kind: Callable[..., Any], fields: Mapping[str, Any], using: Sequence[Any], depth: int) -> Any:
    decoded = {str(name): _decode(item, using, depth + 1) for name, item in fields.items()}
    try:
        return kind(**decoded)
    except TypeError as problem:
        raise InputError(
            f"The fields of {what} do not fit: {str(problem).replace('()', '')}.{meant(kind, decoded)}"
        ) from None
