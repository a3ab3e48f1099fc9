"""Fields that came to a part later: at their defaults they are not written, so that older specs and stores stay the same."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["later", "omitted", "stated", "written"]


def later(default: Any) -> Any:
    """Declare a field of a dataclass that earlier versions of memjax did not have.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Noisy:
    ...     scale: float = 1.0
    ...     law: str = later("normal")
    >>> stated(Noisy()), stated(Noisy(law="uniform"))
    (['scale'], ['scale', 'law'])
    """
    return dataclasses.field(default=default, metadata={"later": True})


def stated(node: Any) -> list[str]:
    """Names of the fields of a dataclass object that a spec or a digest must state."""
    return [field.name for field in dataclasses.fields(node) if not omitted(field, getattr(node, field.name, None))]


def written(node: Any) -> str:
    """Text of a dataclass object with the fields that must be stated: as `repr` wrote it before the others came.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Noisy:
    ...     scale: float = 1.0
    ...     law: str = later("normal")
    >>> written(Noisy()), written(Noisy(law="uniform"))
    ('Noisy(scale=1.0)', "Noisy(scale=1.0, law='uniform')")
    """
    fields = (f"{name}={getattr(node, name)!r}" for name in stated(node))
    return f"{type(node).__qualname__.rpartition('.')[2]}({', '.join(fields)})"


def omitted(field: Any, value: Any) -> bool:
    """Whether a field came later and has its default value, of the very type of the default."""
    return bool(field.metadata.get("later")) and type(value) is type(field.default) and bool(value == field.default)
