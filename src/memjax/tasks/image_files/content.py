"""The content of a user's files as one digest, computed once for as long as the files appear unchanged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from memjax.tasks.image_files.files import Found
from memjax.types import Split

__all__ = ["State", "digest", "digest_of", "state"]

State = tuple[tuple[str, int, int, int], ...]
"""Per file: path, times of the last change of its data and of its inode (nanoseconds), and size in bytes."""

# A cache: hashing takes a second per gigabyte, and a sweep writes its spec several times.
_known: dict[State, str] = {}


def state(found: Found) -> State:
    """State of files without reading them. A copy can restore the time of the data, but not the time of the inode."""
    looks = ((path, path.stat()) for path in found.paths)
    return tuple((str(path.absolute()), look.st_mtime_ns, look.st_ctime_ns, look.st_size) for path, look in looks)


def digest_of(files: State, read: Callable[[], Split]) -> str:
    """SHA-256 in hexadecimal of the content of files in a given state; they are read only the first time."""
    if files not in _known:
        _known[files] = digest(read())
    return _known[files]


def digest(split: Split) -> str:
    """SHA-256 in hexadecimal of images and labels, their shapes and dtypes, independent of the file format.

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
