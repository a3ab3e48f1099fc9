"""One pool of labelled inputs for all tasks that need the same pool: made once, and kept while a task holds it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from memjax.tasks.arrays import Arrays

__all__ = ["Labelled", "shared"]


@dataclass(frozen=True, eq=False)
class Labelled(Arrays):
    """Arrays with a stated number of classes, some of which may have no row, and with the digest of the files they are from."""

    num_classes: int = 2
    content: str | None = None


# Sweeps make a task per value of label noise; the engine keeps one copy of a pool on a device by its identity.
_held: WeakValueDictionary[Hashable, Labelled] = WeakValueDictionary()
_lock = threading.Lock()


def shared(key: Hashable, make: Callable[[], Labelled]) -> Labelled:
    """Arrays of a key: the object that another task holds already, or a new one.

    Examples
    --------
    >>> import numpy as np
    >>> def zeros():
    ...     return Labelled(np.zeros((4, 2)), np.zeros(4, int), 4)
    >>> first = shared("zeros", zeros)
    >>> shared("zeros", zeros) is first, shared("others", zeros) is first
    (True, False)
    """
    with _lock:
        held = _held.get(key)
        if held is None:
            held = _held[key] = make()
        return held
