"""A Dataset in memory carries the user's objects to which its attributes refer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

__all__ = ["carried", "carry"]

_KEY = "memjax_objects"


class _Objects:
    """The objects of a Dataset. Copies share the objects; a pickle omits them: functions of a notebook cannot be pickled."""

    def __init__(self, held: Sequence[Any] = ()) -> None:
        self.held = tuple(held)

    def __deepcopy__(self, memo: Any) -> _Objects:
        # Not copied: these are the objects that were trained, and later changes in them are found by their content.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _Objects, ()

    def __repr__(self) -> str:
        return f"{len(self.held)} objects"


def carry(dataset: xr.Dataset, objects: Sequence[Any]) -> None:
    """Let a Dataset carry the objects to which its attributes refer.

    The objects are in the Dataset's encoding: selecting and copying keep it, and no file contains it.
    """
    if objects:
        dataset.encoding[_KEY] = _Objects(objects)


def carried(dataset: xr.Dataset) -> tuple[Any, ...]:
    """Objects that a Dataset carries; none if it was read from a file, or built from parts of another Dataset.

    Examples
    --------
    >>> import copy, pickle
    >>> dataset = xr.Dataset({"a": ("x", [1, 2])})
    >>> carry(dataset, [max])
    >>> carried(dataset.isel(x=[0])), carried(copy.deepcopy(dataset)), carried(pickle.loads(pickle.dumps(dataset)))
    ((<built-in function max>,), (<built-in function max>,), ())
    """
    held = dataset.encoding.get(_KEY)
    return held.held if isinstance(held, _Objects) else ()
