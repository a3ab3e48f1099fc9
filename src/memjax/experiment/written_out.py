"""The fields of an experiment that are not at their defaults, and the call that makes it; the axes of a sweep likewise."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from memjax.experiment.encode import encode
from memjax.experiment.experiment import Experiment
from memjax.experiment.own import Key, names_in_code
from memjax.experiment.source import source

__all__ = ["changed_fields", "default_fields", "experiment_source", "over_source"]


@functools.cache
def default_fields() -> Mapping[str, Any]:
    """Every field of an experiment at its default, encoded."""
    return {field.name: encode(getattr(Experiment(), field.name)) for field in dataclasses.fields(Experiment)}


def changed_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The encoded fields of an experiment that are not at their defaults.

    Examples
    --------
    >>> from memjax.experiment.encode import encoded_fields
    >>> changed_fields(encoded_fields(Experiment(steps=20)))
    {'steps': 20}
    """
    defaults = default_fields()
    return {name: value for name, value in fields.items() if name not in defaults or defaults[name] != value}


def experiment_source(fields: Mapping[str, Any], names: Mapping[Key, str] | None = None) -> str:
    """Call that makes an experiment of encoded fields, one line for each field that is not at its default.

    Code that contains more than this call gives the ``names`` of the user's objects in all of it.

    Examples
    --------
    >>> from memjax.experiment.encode import encoded_fields
    >>> print(experiment_source(encoded_fields(Experiment(steps=20, record_every=1))))
    mj.Experiment(
        steps=20,
        record_every=1,
    )
    """
    names = names_in_code(fields) if names is None else names
    lines = [f"    {name}={source(value, names)},\n" for name, value in changed_fields(fields).items()]
    return f"mj.Experiment(\n{''.join(lines)})" if lines else "mj.Experiment()"


def over_source(over: Mapping[str, Any], names: Mapping[Key, str] | None = None) -> str:
    """Dict of the axes of a sweep, as a Dataset's attribute ``over`` has them; ``names`` as for `experiment_source`.

    Examples
    --------
    >>> print(over_source({"seed": [0, 1, 2, 3], "steps,train_size": [[20, 50], [40, 100]]}))
    {
        "seed": range(0, 4),
        ("steps", "train_size"): [(20, 50), (40, 100)],
    }
    """
    names = names_in_code(over) if names is None else names
    lines = [f"    {_axis_source(name)}: {_values_source(values, names)},\n" for name, values in over.items()]
    return f"{{\n{''.join(lines)}}}" if lines else "{}"


def _axis_source(name: str) -> str:
    names = [f'"{part}"' for part in name.split(",")]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _values_source(values: Any, names: Mapping[Key, str]) -> str:
    if isinstance(values, Mapping):
        return f"{{{', '.join(f'{label!r}: {source(value, names)}' for label, value in values.items())}}}"
    whole = all(type(value) is int for value in values)
    if whole and len(values) > 3 and list(values) == list(range(values[0], values[0] + len(values))):
        return f"range({values[0]}, {values[0] + len(values)})"
    return f"[{', '.join(source(value, names) for value in values)}]"
