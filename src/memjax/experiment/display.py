"""An experiment for people to read: as a short expression, and as a table in a notebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from memjax.experiment.encode import encode, known_types
from memjax.experiment.own import as_text, key_of, lines_of
from memjax.experiment.source import Writer, defaults_of
from memjax.pages.fragment import field_table

__all__ = ["as_expression", "as_html"]

# Equal to no encoded value.
_NONE = object()


def as_expression(experiment: Any) -> str:
    """Expression that makes an equal experiment where all names of memjax are imported; defaults are left out.

    Examples
    --------
    >>> from memjax import Experiment, optimizers
    >>> as_expression(Experiment(steps=20, optimizer=optimizers.adam(0.1)))
    'Experiment(optimizer=optimizers.adam(learning_rate=0.1), steps=20)'
    """
    found, write = _read(experiment)
    fields = (f"{name}={write(value)}" for name, value, default in found if value != default)
    return f"{type(experiment).__name__}({', '.join(fields)})"


def as_html(experiment: Any) -> str:
    """Table of all fields, in which those at their defaults are faint, also those of the parts."""
    fields, write = _read(experiment)
    # What stands in a faint row is as faint as the row, and not fainter.
    rows = [(name, _value(value, write, marked=value != default), value == default) for name, value, default in fields]
    return f"<strong>{escape(type(experiment).__name__)}</strong>{field_table(rows)}"


def _read(experiment: Any) -> tuple[list[tuple[str, Any, Any]], Callable[[Any], str]]:
    """Name, encoded value and encoded default of every field, and what writes such values for people.

    Where a user's function has no name, its text has the line of its code. A field that a subclass adds may have no default.
    """
    kind: Any = type(experiment)
    defaults = defaults_of(kind)
    names = [field.name for field in dataclasses.fields(experiment)]
    objects: list[Any] = []
    fields = [(name, encode(getattr(experiment, name), objects), defaults.get(name, _NONE)) for name in names]
    lines = lines_of(objects)
    writer = Writer(prefix="", own=lambda found: as_text(str(found["reference"]), lines.get(key_of(found))))
    return fields, writer.write


def _value(value: Any, write: Callable[[Any], str], *, marked: bool) -> str:
    """HTML of an encoded value; a part of memjax shows its own fields, faint where they are at their defaults if ``marked``."""
    known = isinstance(value, Mapping) and "type" in value and value["type"] not in ("tree", "measures.on")
    if not known:
        return f"<code>{escape(write(value))}</code>"
    defaults = _defaults(value["type"]) if marked else {}
    inside = (_field(name, item, write, defaults, marked=marked) for name, item in value.items() if name != "type")
    return f"<code>{escape(value['type'])}</code>({', '.join(inside)})"


def _field(name: str, value: Any, write: Callable[[Any], str], defaults: Mapping[str, Any], *, marked: bool) -> str:
    faint = name in defaults and defaults[name] == value
    text = f"{escape(name)} = {_value(value, write, marked=marked and not faint)}"
    return f'<span style="opacity: 0.55">{text}</span>' if faint else text


def _defaults(kind: str) -> Mapping[str, Any]:
    made = known_types().get(kind)
    return {} if made is None else defaults_of(made)
