"""Atomic files: each appears complete under its name or not at all, and never changes afterwards."""

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

__all__ = ["PARTIAL", "UnreadableFile", "checksum", "os_errors_as_input_errors", "read_regular", "write", "write_new"]

PARTIAL = ".partial-"
"""Prefix of the names of files that are being written."""


def checksum(data: bytes) -> str:
    """First 128 bits of the SHA-256 of ``data``, in hexadecimal.

    Examples
    --------
    >>> checksum(b"memjax")
    'd4a4cf2f804817e02f5816abad1af6a0'
    """
    return hashlib.sha256(data).hexdigest()[:32]


@contextlib.contextmanager
def os_errors_as_input_errors(folder: Path, doing: str) -> Iterator[None]:
    """Raise `InputError` in place of errors of the operating system, such as a full disk."""
    try:
        yield
    except OSError as problem:
        raise InputError(
            f"The store {str(folder)!r} cannot be {doing} ({problem.strerror or problem}). What was kept before is whole: "
            "mend the cause and make the same call again, which goes on from there."
        ) from problem


class UnreadableFile(OSError):
    """A file that exists but cannot be read, or that is not a regular file."""


def read_regular(path: Path) -> bytes:
    """Content of a regular file; pipes and devices, which could block or never end, are refused.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnreadableFile
        If it is not a regular file, or the disk cannot read it.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableFile(errno.EINVAL, "it is no regular file")
        try:
            return file.read()
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
            raise UnreadableFile(errno.EIO, os.strerror(errno.EIO)) from problem


def write(path: Path, data: bytes) -> None:
    """Write a file atomically, replacing a file of the same name."""
    with _written(path, data) as partial:
        os.replace(partial, path)


def write_new(path: Path, data: bytes) -> bool:
    """Write a file atomically; returns False and writes nothing if the name is taken."""
    with _written(path, data) as partial:
        try:
            # Only one process can create a hard link of a given name, also on shared file systems.
            os.link(partial, path)
        except FileExistsError:
            return False
        return True


@contextlib.contextmanager
def _written(path: Path, data: bytes) -> Iterator[Path]:
    """A temporary file with the data, beside ``path`` and flushed to disk."""
    partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
    try:
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield partial
    finally:
        partial.unlink(missing_ok=True)
