"""Read experiments and sweeps from JSON or TOML. The data are plain: reading them runs no code.

``encode.py`` writes what this file reads. A user's object is written as its name and content. To read it back, the caller
passes the object in ``using``; an object of the same name with another content is refused.
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
    """Read an experiment of the class ``kind`` from JSON text; fields that are left out keep their defaults.

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
    """Build an experiment of the class ``kind`` from decoded JSON or TOML."""
    if not isinstance(data, Mapping):
        raise InputError(f"An experiment must be a table of fields, but got {type(data).__name__}.")
    made: T = _build("the experiment", kind, data, using, 0)
    return made


def decode(value: Any, using: Sequence[Any] = ()) -> Any:
    """Value of a field from the plain data that `encode` wrote.

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
        return _resolve_reference(value["reference"], value.get("content"), using)
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
        return _check_files(_build(kind, known_types()[kind], fields, using, depth), content)
    return _build(kind, known_types()[kind], fields, using, depth)


def _check_files(made: Any, content: Any) -> Any:
    """Check that an object's files have the recorded content. Missing files raise only when they are used."""
    now = made.content if content is not None else None
    if now not in (None, content):
        raise InputError(
            f"The files of {made!r} have changed since this was written: their content was {content!r} and is {now!r}. Put the "
            "former files back, or begin anew with those of now."
        )
    return made


def _resolve_reference(name: Any, held: Any, using: Sequence[Any]) -> Any:
    """The object in ``using`` with the name in the spec, and with the content in the spec if it has one."""
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
        # Another version of Python compiles the same source to other code; then the name alone must do.
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
