"""An experiment for people to read: as a short expression, and as a table in a notebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from html import escape
from typing import Any

from memjax.experiment.encode import encode, known_types
from memjax.experiment.source import Writer, defaults_of, identifier
from memjax.pages.fragment import field_table

__all__ = ["as_expression", "as_html"]


def _own(reference: str) -> str:
    """Text for a user's object: the name of a function or class, and what any other object says of itself."""
    return identifier(reference) if ":" in reference.partition("(")[0] else reference


_WRITER = Writer(prefix="", own=_own)


def as_expression(experiment: Any) -> str:
    """Expression that makes an equal experiment where all names of memjax are imported; defaults are left out.

    Examples
    --------
    >>> from memjax import Experiment, optimizers
    >>> as_expression(Experiment(steps=20, optimizer=optimizers.adam(0.1)))
    'Experiment(optimizer=optimizers.adam(learning_rate=0.1), steps=20)'
    """
    fields = (f"{name}={_WRITER.write(value)}" for name, value, default in _fields(experiment) if value != default)
    return f"Experiment({', '.join(fields)})"


def as_html(experiment: Any) -> str:
    """Table of all fields, in which those at their defaults are faint, also those of the parts."""
    # What stands in a faint row is as faint as the row, and not fainter.
    rows = [
        (name, _value(value, marked=value != default), value == default) for name, value, default in _fields(experiment)
    ]
    return f"<strong>Experiment</strong>{field_table(rows)}"


def _fields(experiment: Any) -> list[tuple[str, Any, Any]]:
    """Name, encoded value and encoded default of every field."""
    kind: Any = type(experiment)
    defaults = defaults_of(kind)
    names = [field.name for field in dataclasses.fields(experiment)]
    return [(name, encode(getattr(experiment, name)), defaults[name]) for name in names]


def _value(value: Any, *, marked: bool) -> str:
    """HTML of an encoded value; a part of memjax shows its own fields, faint where they are at their defaults if ``marked``."""
    known = isinstance(value, Mapping) and "type" in value and value["type"] not in ("tree", "measures.on")
    if not known:
        return f"<code>{escape(_WRITER.write(value))}</code>"
    defaults = _defaults(value["type"]) if marked else {}
    inside = (_field(name, item, defaults, marked=marked) for name, item in value.items() if name != "type")
    return f"<code>{escape(value['type'])}</code>({', '.join(inside)})"


def _field(name: str, value: Any, defaults: Mapping[str, Any], *, marked: bool) -> str:
    faint = name in defaults and defaults[name] == value
    text = f"{escape(name)} = {_value(value, marked=marked and not faint)}"
    return f'<span style="opacity: 0.55">{text}</span>' if faint else text


def _defaults(kind: str) -> Mapping[str, Any]:
    made = known_types().get(kind)
    return {} if made is None else defaults_of(made)
