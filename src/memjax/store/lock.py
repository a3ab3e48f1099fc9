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

__all__ = ["claimed", "holder", "shard_lock"]

_LOG = logging.getLogger("memjax")
_LOCK = "lock"


def shard_lock(shard: tuple[int, int]) -> str:
    """Name of the lock of a shard."""
    return f"{_LOCK}-{shard[0]}-of-{shard[1]}"


@contextlib.contextmanager
def claimed(folder: Path, shard: tuple[int, int] | None) -> Iterator[None]:
    """Hold a store for writing: alone, or beside other shards as one of n.

    Raises
    ------
    InputError
        If another process holds it, or the folder cannot be written to.
    """
    with contextlib.ExitStack() as held:
        with refusals(folder, "written to"):
            folder.mkdir(parents=True, exist_ok=True)
            locks = [held.enter_context(open(folder / _LOCK, "a+"))]
            if shard is not None:
                locks.append(held.enter_context(open(folder / shard_lock(shard), "a+")))
        # Shards share the folder's lock, and each has one of its own.
        for i, lock in enumerate(locks):
            _take(lock, folder, shared=i == 0 and shard is not None)
        yield


def _take(lock: IO[str], folder: Path, shared: bool) -> None:
    # Who only looks at a store holds its lock for a moment.
    for pause in (0.05, 0.2, 0.5, 0):
        if _try(lock, shared):
            break
        if not pause:
            raise InputError(_in_use(lock, folder))
        time.sleep(pause)
    if not shared:
        with refusals(folder, "written to"):
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            lock.flush()


def _in_use(lock: IO[str], folder: Path) -> str:
    lock.seek(0)
    owner = lock.read(200).strip() or "another process"
    return (
        f"The store {str(folder)!r} is in use by {owner}: wait until that is done, or give each of several processes one "
        "shard of the same number of shards."
    )


def _try(lock: IO[str], shared: bool) -> bool:
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


def _lock_on_windows(lock: IO[str]) -> None:
    import msvcrt

    lock.seek(1 << 30)  # Beyond the text, which others read.
    msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


def holder(folder: Path) -> str | None:
    """Who is writing to a store now: a process, shards, or nobody."""
    try:
        with open(folder / _LOCK) as lock:
            if _try(lock, shared=True) and _try(lock, shared=False):
                return None
            return lock.read(200).strip() or "shards"
    except OSError:
        return None
