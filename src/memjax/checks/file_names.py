"""File and folder names as a user types them, resolved once, so that a later change of the working folder does not matter."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from memjax.errors import InputError

__all__ = ["absolute", "shown"]


def absolute(what: str, name: Any) -> Path:
    """Absolute path of a name, which stays valid after any change of the working folder.

    ``~`` and ``~user`` stand for a home folder, as in a shell.

    Parameters
    ----------
    what
        What the error message calls the name.
    name
        A string, or a path-like object.

    Raises
    ------
    InputError
        If no file can have this name, or the name cannot be resolved.

    Examples
    --------
    >>> absolute("store", "runs") == Path.cwd() / "runs", absolute("store", "~/runs") == Path.home() / "runs"
    (True, True)
    """
    text = os.fspath(name) if isinstance(name, str | os.PathLike) else None
    if not isinstance(text, str):
        raise InputError(f"{what} is {name!r}: give the name of a file or folder as text.")
    if not text or "\0" in text:
        raise InputError(f"{what} is {text!r}: give a name that is not empty and holds no NUL character.")
    try:
        path = Path(os.path.expanduser(text))
        os.fsencode(path)
    except UnicodeEncodeError:
        raise InputError(f"{what} is {text!r}: give a name without characters that no file name can hold.") from None
    if path.parts[:1] == ("~",):
        raise InputError(f"{what} is {text!r}, but the home folder is not known: give the name in full.")
    return _looked_up(what, text, path)


def _looked_up(what: str, text: str, path: Path) -> Path:
    try:
        path = path.absolute()
    except OSError as problem:
        raise InputError(
            f"{what} is {text!r}, but the working folder cannot be found ({problem.strerror}): go to another folder, or give "
            "the name in full."
        ) from None
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # The caller checks whether the file should exist.
    except OSError as problem:
        short = text if len(text) <= 100 else f"{text[:50]}...{text[-20:]}"
        raise InputError(
            f"{what} is {short!r}, which cannot be used ({problem.strerror}): give another name."
        ) from None
    return path


def shown(path: Path) -> str:
    """A path as text, relative to the working folder if the path lies below it."""
    try:
        here = Path.cwd()
    except OSError:  # The working folder was deleted.
        return str(path)
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
