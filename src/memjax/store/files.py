"""Files that appear under their name whole or not at all, and are never changed after."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from memjax.errors import InputError

__all__ = ["PARTIAL", "BadSector", "checksum", "read_regular", "refusals", "write", "write_new"]

PARTIAL = ".partial-"
"""Beginning of the names of files that are being written."""


def checksum(data: bytes) -> str:
    """First 128 bits of the SHA-256 of some bytes, in hexadecimal.

    Examples
    --------
    >>> checksum(b"memjax")
    'd4a4cf2f804817e02f5816abad1af6a0'
    """
    return hashlib.sha256(data).hexdigest()[:32]


@contextlib.contextmanager
def refusals(folder: Path, doing: str) -> Iterator[None]:
    """Make an `InputError` of what the operating system refuses, such as a full disk."""
    try:
        yield
    except OSError as problem:
        raise InputError(
            f"The store {str(folder)!r} cannot be {doing} ({problem.strerror or problem}). What was kept before is whole: "
            "mend the cause and make the same call again, which goes on from there."
        ) from problem


class BadSector(OSError):
    """A file that is there and that the disk cannot read, or that is no file to be read."""


def read_regular(path: Path) -> bytes:
    """Content of a regular file: what waits for a writer, or never ends, is refused.

    Raises
    ------
    FileNotFoundError
        If there is none.
    BadSector
        If it is no regular file, or the disk cannot read it.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadSector(errno.EINVAL, "it is no regular file")
        try:
            return file.read()
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
            raise BadSector(errno.EIO, os.strerror(errno.EIO)) from problem


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, in place of one of that name."""
    with _written(path, data) as partial:
        os.replace(partial, path)


def write_new(path: Path, data: bytes) -> bool:
    """Write a file whole or not at all; False, and nothing written, if there is one of that name."""
    with _written(path, data) as partial:
        try:
            # A link is made by one process only, also on shared file systems.
            os.link(partial, path)
        except FileExistsError:
            return False
        return True


@contextlib.contextmanager
def _written(path: Path, data: bytes) -> Iterator[Path]:
    """A file beside the path that holds the data, on disk; gone after."""
    partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
    try:
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield partial
    finally:
        partial.unlink(missing_ok=True)
