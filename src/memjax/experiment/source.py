"""Python source of encoded values: what a user would type to make the same again."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from memjax.experiment.encode import encode, known_types

__all__ = ["Writer", "changed", "defaults_of", "identifier", "own_objects", "source"]


def identifier(reference: str) -> str:
    """A Python name for a user's object, of which ``reference`` is the encoded name: that of its function or class.

    Examples
    --------
    >>> identifier("my.module:power(exponent=2)"), identifier("Arrays(x[60, 4])")
    ('power', 'Arrays')
    """
    name = re.sub(r"\(.*", "", reference.rpartition(":")[2]).rpartition(".")[2]
    return re.sub(r"\W+", "_", name).strip("_") or "yours"


@dataclasses.dataclass(frozen=True)
class Writer:
    """Writes encoded values as Python expressions, without fields at their defaults.

    Attributes
    ----------
    prefix
        What stands before the name of a part of memjax.
    own
        From the encoded name of a user's object to its text.
    """

    prefix: str = "mj."
    own: Callable[[str], str] = identifier

    def write(self, value: Any) -> str:
        """Expression for an encoded value."""
        if isinstance(value, Mapping):
            return self._object(value)
        if isinstance(value, list | tuple):
            inside = ", ".join(map(self.write, value))
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            return f'float("{value}")'
        return repr(value)

    def _object(self, value: Mapping[str, Any]) -> str:
        kind = value.get("type")
        if "reference" in value:
            return self.own(str(value["reference"]))
        if kind == "tree":
            return self._container(value["kind"], value["entries"])
        if kind == "measures.on":
            return f"{self.prefix}measures.BUILT_IN[{value['measure']!r}].on({', '.join(map(repr, value['splits']))})"
        fields = (f"{name}={self.write(item)}" for name, item in changed(value).items())
        return f"{self.prefix}{kind}({', '.join(fields)})"

    def _container(self, kind: str, entries: list[Any]) -> str:
        if kind == "tuple":
            return self.write(entries)
        if kind == "list":
            return f"[{', '.join(map(self.write, entries))}]"
        pairs = f"{{{', '.join(f'{self.write(key)}: {self.write(item)}' for key, item in entries)}}}"
        return pairs if kind == "dict" else f"{kind}({pairs})"


def source(value: Any) -> str:
    """Python expression for an encoded value, as a user writes it who has imported memjax as mj.

    A user's own object is written as the name of its function or class; `own_objects` lists them.

    Examples
    --------
    >>> from memjax import models, optimizers
    >>> source(encode(models.MLP(hidden=(100,)))), source(encode(optimizers.adam(0.1)))
    ('mj.models.MLP(hidden=(100,))', 'mj.optimizers.adam(learning_rate=0.1)')
    """
    return Writer().write(value)


def changed(value: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an encoded object that are not at their defaults."""
    made = known_types().get(value["type"])
    defaults = {} if made is None else defaults_of(made)
    # A digest of the files that a task reads is no argument.
    hidden = {"type", *(["content"] if hasattr(made, "content") else [])}
    return {name: item for name, item in value.items()
            if name not in hidden and not (name in defaults and defaults[name] == item)}  # fmt: skip


@functools.cache
def defaults_of(made: Any) -> Mapping[str, Any]:
    """Encoded defaults of the fields of a class, or of the arguments of a factory."""
    if not dataclasses.is_dataclass(made):
        known = inspect.signature(made).parameters.values()
        return {one.name: encode(one.default) for one in known if one.default is not inspect.Parameter.empty}
    given = {one.name: one.default for one in dataclasses.fields(made) if one.default is not dataclasses.MISSING}
    built = {one.name: one.default_factory() for one in dataclasses.fields(made)
             if one.default_factory is not dataclasses.MISSING}  # fmt: skip
    return {name: encode(default) for name, default in (given | built).items()}


def own_objects(value: Any) -> dict[str, str]:
    """References of the user's objects in an encoded value, by the names that `source` gives them."""
    if isinstance(value, Mapping) and "reference" in value:
        return {identifier(str(value["reference"])): str(value["reference"])}
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return {name: reference for item in inside for name, reference in own_objects(item).items()}
