"""An attribute of a Dataset that is text, and carries the objects that the text refers to for as long as it stays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

__all__ = ["Carried", "carry", "carried"]

_ATTRIBUTES = ("experiment", "over")


class Carried(str):
    """Text with the objects that it refers to; in a file, in a pickle and in every comparison it is the text alone.

    Examples
    --------
    >>> import copy, pickle
    >>> text = Carried("{}", [max])
    >>> text == "{}", copy.deepcopy(text).objects, type(pickle.loads(pickle.dumps(text)))
    (True, (<built-in function max>,), <class 'str'>)
    """

    objects: tuple[Any, ...]

    def __new__(cls, text: str, objects: Sequence[Any]) -> Carried:
        """Text with objects."""
        own = super().__new__(cls, text)
        own.objects = tuple(objects)
        return own

    def __copy__(self) -> Carried:
        return self

    def __deepcopy__(self, memo: Any) -> Carried:
        # The objects are those that were trained, not copies; what changed in them is found by their content.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Functions of a notebook could not be pickled.
        return str, (str(self),)


def carry(dataset: xr.Dataset, objects: Sequence[Any]) -> None:
    """Let a Dataset carry the objects that its attributes refer to."""
    if objects:
        for name in _ATTRIBUTES:
            dataset.attrs[name] = Carried(dataset.attrs[name], objects)


def carried(dataset: xr.Dataset) -> tuple[Any, ...]:
    """Objects that a Dataset carries; none if it was read from a file."""
    return getattr(dataset.attrs.get(_ATTRIBUTES[0]), "objects", ())
