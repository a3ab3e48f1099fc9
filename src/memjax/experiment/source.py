"""Python source of encoded experiments and axes: what a user would type to make the same again."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any

from memjax.experiment.encode import encode, known_types
from memjax.experiment.experiment import Experiment

__all__ = ["changed_fields", "default_fields", "experiment_source", "over_source", "own_objects", "source"]


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


def source(value: Any) -> str:
    """Python expression for an encoded value, in which fields at their defaults are left out.

    A user's own object is written as the name of its function or class; `own_objects` lists them.

    Examples
    --------
    >>> from memjax import models, optimizers
    >>> source(encode(models.MLP(hidden=(100,)))), source(encode(optimizers.adam(0.1)))
    ('mj.models.MLP(hidden=(100,))', 'mj.optimizers.adam(learning_rate=0.1)')
    """
    if isinstance(value, Mapping):
        return _call(value)
    if isinstance(value, list | tuple):
        inside = ", ".join(map(source, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    return repr(value)


def _call(value: Mapping[str, Any]) -> str:
    """Expression for an encoded object."""
    if "reference" in value:
        return _identifier(str(value["reference"]))
    if value.get("type") == "tree":
        return _container(value["kind"], value["entries"])
    if value.get("type") == "measures.on":
        return f"mj.measures.BUILT_IN[{value['measure']!r}].on({', '.join(map(repr, value['splits']))})"
    made = known_types().get(value["type"])
    defaults = {} if made is None else _defaults(made)
    # A digest of the files that a task reads is no argument.
    hidden = {"type", *(["content"] if hasattr(made, "content") else [])}
    fields = (f"{name}={source(item)}" for name, item in value.items()
              if name not in hidden and not (name in defaults and defaults[name] == item))  # fmt: skip
    return f"mj.{value['type']}({', '.join(fields)})"


def _container(kind: str, entries: list[Any]) -> str:
    if kind == "tuple":
        return source(entries)
    if kind == "list":
        return f"[{', '.join(map(source, entries))}]"
    pairs = f"{{{', '.join(f'{source(key)}: {source(item)}' for key, item in entries)}}}"
    return pairs if kind == "dict" else f"{kind}({pairs})"


@functools.cache
def _defaults(made: Any) -> Mapping[str, Any]:
    """Encoded defaults of the fields of a class, or of the arguments of a factory."""
    if not dataclasses.is_dataclass(made):
        known = inspect.signature(made).parameters.values()
        return {one.name: encode(one.default) for one in known if one.default is not inspect.Parameter.empty}
    given = {one.name: one.default for one in dataclasses.fields(made) if one.default is not dataclasses.MISSING}
    built = {one.name: one.default_factory() for one in dataclasses.fields(made)
             if one.default_factory is not dataclasses.MISSING}  # fmt: skip
    return {name: encode(default) for name, default in (given | built).items()}


def _identifier(reference: str) -> str:
    """A Python name for a user's object: the name of its function or class."""
    name = re.sub(r"\(.*", "", reference.rpartition(":")[2]).rpartition(".")[2]
    return re.sub(r"\W+", "_", name).strip("_") or "yours"


def own_objects(value: Any) -> dict[str, str]:
    """References of the user's objects in an encoded value, by the names that `source` gives them."""
    if isinstance(value, Mapping) and "reference" in value:
        return {_identifier(str(value["reference"])): str(value["reference"])}
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return {name: reference for item in inside for name, reference in own_objects(item).items()}


def experiment_source(fields: Mapping[str, Any]) -> str:
    """Call that makes an experiment of encoded fields, one line for each field that is not at its default.

    Examples
    --------
    >>> from memjax.experiment.encode import encoded_fields
    >>> print(experiment_source(encoded_fields(Experiment(steps=20, record_every=1))))
    mj.Experiment(
        steps=20,
        record_every=1,
    )
    """
    lines = [f"    {name}={source(value)},\n" for name, value in changed_fields(fields).items()]
    return f"mj.Experiment(\n{''.join(lines)})" if lines else "mj.Experiment()"


def over_source(over: Mapping[str, Any]) -> str:
    """Dict of the axes of a sweep, as a Dataset's attribute ``over`` has them.

    Examples
    --------
    >>> print(over_source({"seed": [0, 1, 2, 3], "steps,train_size": [[20, 50], [40, 100]]}))
    {
        "seed": range(0, 4),
        ("steps", "train_size"): [(20, 50), (40, 100)],
    }
    """
    lines = [f"    {_axis_source(name)}: {_values_source(values)},\n" for name, values in over.items()]
    return f"{{\n{''.join(lines)}}}" if lines else "{}"


def _axis_source(name: str) -> str:
    names = [f'"{part}"' for part in name.split(",")]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _values_source(values: Any) -> str:
    if isinstance(values, Mapping):
        return f"{{{', '.join(f'{label!r}: {source(value)}' for label, value in values.items())}}}"
    whole = all(type(value) is int for value in values)
    if whole and len(values) > 3 and list(values) == list(range(values[0], values[0] + len(values))):
        return f"range({values[0]}, {values[0] + len(values)})"
    return f"[{', '.join(map(source, values))}]"
