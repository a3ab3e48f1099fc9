"""Python source of encoded values: what a user would type to make the same again."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from memjax.experiment.encode import encode, known_types
from memjax.experiment.own import Key, as_text, key_of

__all__ = ["Writer", "changed", "defaults_of", "source"]


def _as_text(value: Mapping[str, Any]) -> str:
    return as_text(str(value["reference"]))


@dataclasses.dataclass(frozen=True)
class Writer:
    """Writes encoded values as Python expressions, without fields at their defaults.

    Attributes
    ----------
    prefix
        What stands before the name of a part of memjax.
    own
        From a user's object as it is encoded to its text.
    """

    prefix: str = "mj."
    own: Callable[[Mapping[str, Any]], str] = _as_text

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
            return self.own(value)
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


def source(value: Any, names: Mapping[Key, str] | None = None) -> str:
    """Python expression for an encoded value, as a user writes it who has imported memjax as mj.

    Parameters
    ----------
    value
        Encoded value.
    names
        Names of the user's objects, as `names_in_code` gives them. Without names the text is for reading: what has no name,
        such as a lambda, stands there in angle brackets.

    Examples
    --------
    >>> from memjax import models, optimizers
    >>> source(encode(models.MLP(hidden=(100,)))), source(encode(optimizers.adam(0.1)))
    ('mj.models.MLP(hidden=(100,))', 'mj.optimizers.adam(learning_rate=0.1)')
    """
    writer = Writer() if names is None else Writer(own=lambda found: names[key_of(found)])
    return writer.write(value)


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
