"""What the user's own files hold, as one digest, which is taken once for as long as the files look the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from memjax.tasks.image_files.files import Found
from memjax.types import Split

__all__ = ["State", "digest", "digest_of", "state"]

State = tuple[tuple[str, int, int, int], ...]
"""Per file its path, when its data and its entry last changed (nanoseconds), and its size in bytes."""

# A few words per file: hashing takes a second per gigabyte, and a spec is written several times in a sweep.
_known: dict[State, str] = {}


def state(found: Found) -> State:
    """How files look from outside; copying can restore the time of the data, but not the time of the entry."""
    looks = ((path, path.stat()) for path in found.paths)
    return tuple((str(path.absolute()), look.st_mtime_ns, look.st_ctime_ns, look.st_size) for path, look in looks)


def digest_of(files: State, read: Callable[[], Split]) -> str:
    """SHA-256 in hexadecimal of what files of a state hold; they are read only if none has been taken yet."""
    if files not in _known:
        _known[files] = digest(read())
    return _known[files]


def digest(split: Split) -> str:
    """SHA-256 in hexadecimal of images and labels, their shapes and dtypes, whatever they were packed in.

    Examples
    --------
    >>> from memjax.types import Data
    >>> rows, others = (Data(np.full((2, 3), value), np.arange(2)) for value in (0.0, 0.5))
    >>> digest(Split(rows, rows)) == digest(Split(rows, others)), len(digest(Split(rows, rows)))
    (False, 64)
    """
    total = hashlib.sha256()
    for array in (*split.train, *split.test):
        total.update(repr((array.shape, array.dtype.str)).encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
