"""A Dataset carries the objects that its attributes refer to, for as long as the Dataset stays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

__all__ = ["carried", "carry"]

_KEY = "memjax_objects"


class _Objects:
    """Objects beside a Dataset: copies share them, and a pickle leaves them out, for functions of a notebook have no pickle."""

    def __init__(self, held: Sequence[Any] = ()) -> None:
        self.held = tuple(held)

    def __deepcopy__(self, memo: Any) -> _Objects:
        # The objects are those that were trained, not copies; what changed in them is found by their content.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _Objects, ()

    def __repr__(self) -> str:
        return f"{len(self.held)} objects"


def carry(dataset: xr.Dataset, objects: Sequence[Any]) -> None:
    """Let a Dataset carry the objects that its attributes refer to.

    They lie in the encoding of the Dataset: selecting and copying keep that, and no file is written from it.
    """
    if objects:
        dataset.encoding[_KEY] = _Objects(objects)


def carried(dataset: xr.Dataset) -> tuple[Any, ...]:
    """Objects that a Dataset carries; none if it was read from a file, or made anew from parts of another.

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
