"""The lock of a store, held by the operating system, so that it is released when its process ends."""

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
from memjax.store.files import os_errors_as_input_errors

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["locked", "holder"]

_LOG = logging.getLogger("memjax")
_LOCK = "lock"


@contextlib.contextmanager
def locked(folder: Path, shard: tuple[int, int] | None) -> Iterator[None]:
    """Lock a store for writing: exclusively, or as shard ``(i, n)`` together with other shards.

    Raises
    ------
    InputError
        If another process holds the lock, or the folder is not writable.
    """
    with contextlib.ExitStack() as held:

        def take(name: str, shared: bool) -> None:
            with os_errors_as_input_errors(folder, "written to"):
                folder.mkdir(parents=True, exist_ok=True)
                lock = held.enter_context(open(folder / name, "ab+", buffering=0))
            _take(lock, folder, shared)

        take(_LOCK, shared=shard is not None)
        if shard is not None:
            # Shards share the lock of the folder and the lock of their count n; each has an exclusive lock for its own i.
            take(f"{_LOCK}-of-{shard[1]}", shared=True)
            take(f"{_LOCK}-{shard[0]}-of-{shard[1]}", shared=False)
            _refuse_other_numbers(folder, shard[1])
        yield


def _refuse_other_numbers(folder: Path, shards: int) -> None:
    """Raise `InputError` where a sweep with another number of shards is running."""
    for path in folder.glob(f"{_LOCK}-of-*"):
        if path.name != f"{_LOCK}-of-{shards}":
            with open(path, "ab+", buffering=0) as lock:
                _take(lock, folder, shared=False)


def _take(lock: IO[bytes], folder: Path, shared: bool) -> None:
    # Try again: a process that only inspects the store holds its lock for a moment.
    for pause in (0.05, 0.2, 0.5, 0):
        if _try_lock(lock, shared):
            break
        if not pause:
            raise InputError(_in_use(lock, folder))
        time.sleep(pause)
    if not shared:
        # The name of the holder is for messages only, so a full disk must not stop the sweep here.
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


def _try_lock(lock: IO[bytes], shared: bool) -> bool:
    """Try to take a lock without waiting; returns whether it was taken."""
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

    lock.seek(1 << 30)  # Beyond the text, which other processes read.
    msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


def holder(folder: Path) -> str | None:
    """Name of the process or of the shards that are writing to a store; None if there are none."""
    try:
        with open(folder / _LOCK, "rb") as lock:
            if not _try_lock(lock, shared=True):
                return lock.read(200).decode(errors="replace").strip() or "a process"
            return None if _try_lock(lock, shared=False) else "shards"
    except OSError:
        return None
