"""The lock of a store: held by the operating system for a process, so that it ends with its owner."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from memjax.errors import InputError
from memjax.store.files import refusals

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["claimed", "holder"]

_LOG = logging.getLogger("memjax")
_LOCK = "lock"


@contextlib.contextmanager
def claimed(folder: Path, shard: tuple[int, int] | None) -> Iterator[None]:
    """Hold a store for writing: alone, or beside other shards as one of n.

    Raises
    ------
    InputError
        If another process holds it, or the folder cannot be written to.
    """
    with contextlib.ExitStack() as held:

        def take(name: str, shared: bool) -> None:
            with refusals(folder, "written to"):
                folder.mkdir(parents=True, exist_ok=True)
                lock = held.enter_context(open(folder / name, "ab+", buffering=0))
            _take(lock, folder, shared)

        take(_LOCK, shared=shard is not None)
        if shard is not None:
            # Shards share the folder's lock and that of their number, and each has one of its own.
            take(f"{_LOCK}-of-{shard[1]}", shared=True)
            take(f"{_LOCK}-{shard[0]}-of-{shard[1]}", shared=False)
            _refuse_other_numbers(folder, shard[1])
        yield


def _refuse_other_numbers(folder: Path, shards: int) -> None:
    """Raise `InputError` where shards of another number are at work."""
    for path in folder.glob(f"{_LOCK}-of-*"):
        if path.name != f"{_LOCK}-of-{shards}":
            with open(path, "ab+", buffering=0) as lock:
                _take(lock, folder, shared=False)


def _take(lock: IO[bytes], folder: Path, shared: bool) -> None:
    # Who only looks at a store holds its lock for a moment.
    for pause in (0.05, 0.2, 0.5, 0):
        if _try(lock, shared):
            break
        if not pause:
            raise InputError(_in_use(lock, folder))
        time.sleep(pause)
    if not shared:
        # Who holds it is only told; a full disk must not matter here.
        with contextlib.suppress(OSError):
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {socket.gethostname()}\n".encode())


def _in_use(lock: IO[bytes], folder: Path) -> str:
    lock.seek(0)
    owner = lock.read(200).decode(errors="replace").strip() or "another process"
    return (
        f"The store {str(folder)!r} is in use by {owner}: wait until that is done, or give each of several processes one "
        "shard of the same number of shards."
    )


def _try(lock: IO[bytes], shared: bool) -> bool:
    """Take a lock without waiting, and say whether that went well."""
    try:
        if fcntl is not None:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        elif not shared:
            _lock_on_windows(lock)
    except OSError as problem:
        if problem.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        _LOG.warning("The file system of %s has no locks (%s): let no two processes write there.", lock.name, problem)
    return True


def _lock_on_windows(lock: IO[bytes]) -> None:
    import msvcrt

    lock.seek(1 << 30)  # Beyond the text, which others read.
    msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


def holder(folder: Path) -> str | None:
    """Who is writing to a store now: a process, shards, or nobody."""
    try:
        with open(folder / _LOCK, "rb") as lock:
            if not _try(lock, shared=True):
                return lock.read(200).decode(errors="replace").strip() or "a process"
            return None if _try(lock, shared=False) else "shards"
    except OSError:
        return None
