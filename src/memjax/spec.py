"""Experiments and sweeps from JSON or TOML: plain data in, no code run from it.

`memjax.encode` writes what this file reads. What is the user's own is written by name and content, and can be read back
only by handing it over in ``using``; an object of that name that holds something else is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memjax import optimizers
from memjax.content import content, same
from memjax.encode import known_types, reference, without_addresses
from memjax.engine.axes import MOST_CELLS
from memjax.errors import InputError, listing
from memjax.experiment import Experiment
from memjax.optimizers import frozen
from memjax.plain_json import read_json
from memjax.suggestions import meant

__all__ = ["decode", "from_json", "read_experiment", "read_over"]

_DEEPEST = 20
# Whoever writes one of these means a range or one value, and no value of that name.
_NOT_NAMES = {"range", "start", "stop", "step", "type", "reference", "content"}


def from_json(text: str, using: Sequence[Any] = ()) -> Experiment:
    """Read an experiment from JSON text; fields left out keep their defaults.

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
    return read_experiment(data, using)


def read_experiment(data: Any, using: Sequence[Any] = ()) -> Experiment:
    """Build an experiment from decoded JSON or TOML."""
    if not isinstance(data, Mapping):
        raise InputError(f"An experiment must be a table of fields, but got {type(data).__name__}.")
    return _build("the experiment", Experiment, data, using, 0)


def read_over(data: Any, using: Sequence[Any] = ()) -> dict[str | tuple[str, ...], list[Any] | dict[str, Any]]:
    """Build axes from decoded JSON or TOML.

    The values of an axis are a list, or ``{range = [start, stop, step]}``, or a table of values by the names that label
    them; commas join fields.

    Examples
    --------
    >>> read_over({"seed": {"range": [3]}, "train_size, steps": [[50, 100], [100, 200]]})
    {'seed': [0, 1, 2], ('train_size', 'steps'): [(50, 100), (100, 200)]}
    """
    if not isinstance(data, Mapping):
        raise InputError(f"`over` must be a table of axes, but got {type(data).__name__}.")
    axes: dict[str | tuple[str, ...], list[Any] | dict[str, Any]] = {}
    for name, values in data.items():
        fields = tuple(part.strip() for part in name.split(","))
        axes[fields if len(fields) > 1 else fields[0]] = _values(name, values, using)
    return axes


def _values(name: str, values: Any, using: Sequence[Any]) -> list[Any] | dict[str, Any]:
    if isinstance(values, Mapping) and set(values) == {"range"}:
        bounds = values["range"] if isinstance(values["range"], list) else [values["range"]]
        if not 1 <= len(bounds) <= 3 or not all(_is_bound(bound) for bound in bounds) or bounds[2:] == [0]:
            raise InputError(
                f"The range of axis {name!r} is {bounds!r}: give [stop], [start, stop] or [start, stop, step]."
            )
        found = range(*bounds)
        if not found:
            raise InputError(f"The range {bounds} of axis {name!r} has no values: give at least one.")
        # A slice is cut without counting, where len() of a range over all 64 bits would overflow.
        if found[: MOST_CELLS + 1] != found[:MOST_CELLS]:
            raise InputError(f"The range {bounds} of axis {name!r} has more than {MOST_CELLS:,} values: give fewer.")
        return list(found)
    if isinstance(values, Mapping) and values and not _NOT_NAMES & set(values):
        return {str(label): _decode(value, using, 1) for label, value in values.items()}
    if not isinstance(values, list):
        raise InputError(
            f"The axis {name!r} has the values {values!r}: give a list, a table with range, or a table of values by their "
            "names."
        )
    return [_decode(value, using, 1) for value in values]


def _is_bound(value: Any) -> bool:
    """Whether a value can bound a range: a whole number of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


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
