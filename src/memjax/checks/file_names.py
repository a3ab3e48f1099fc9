"""Names of files and folders as a user types them: where they lead, wherever the process moves later."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from memjax.errors import InputError

__all__ = ["absolute", "shown"]


def absolute(what: str, name: Any) -> Path:
    """Path that a name stands for now, and after any change of the working folder.

    ``~`` and ``~user`` stand for a home folder, as they do in a shell.

    Parameters
    ----------
    what
        What the name is called in an error.
    name
        Text, or an object with a path.

    Raises
    ------
    InputError
        If no file can have that name, or the name cannot be looked up.

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
        pass  # Whoever uses the name says what should be there.
    except OSError as problem:
        short = text if len(text) <= 100 else f"{text[:50]}...{text[-20:]}"
        raise InputError(
            f"{what} is {short!r}, which cannot be used ({problem.strerror}): give another name."
        ) from None
    return path


def shown(path: Path) -> str:
    """A path as text: relative to the working folder where the path lies below, else in full."""
    try:
        here = Path.cwd()
    except OSError:  # The working folder is gone.
        return str(path)
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
