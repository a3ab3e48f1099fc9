"""The one exception for a user's mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["InputError", "cause", "listing", "shown"]


class InputError(ValueError):
    """A request that cannot be carried out as written.

    Raised on the host before anything is traced or written. The message is one whole sentence that names the field,
    the value, what is allowed and what to do; the command line prints it and exits with code 2.

    Examples
    --------
    >>> import memjax as mj
    >>> mj.Experiment(train_size=0)
    Traceback (most recent call last):
        ...
    memjax.errors.InputError: train_size is 0: give a whole number of at least 1.
    """


def listing(names: Iterable[object]) -> str:
    """Write names as an English list.

    Examples
    --------
    >>> listing(["adam", "sgd", "rmsprop"])
    'adam, sgd or rmsprop'
    """
    words = [str(name) for name in names]
    if len(words) < 2:
        return "".join(words) or "nothing"
    return f"{', '.join(words[:-1])} or {words[-1]}"


def cause(problem: BaseException) -> str:
    """First line of what went wrong in a user's function, with its kind, to end a sentence with.

    Examples
    --------
    >>> cause(KeyError("weights"))
    "KeyError: 'weights'."
    """
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[0].rstrip('.') if lines else 'no message'}."


def shown(thing: object) -> str:
    """Repr of an object for a message, in which a function stands by its name alone.

    Examples
    --------
    >>> def softplus(x): ...
    >>> shown({"activation": softplus})
    "{'activation': softplus}"
    """
    return re.sub(r"<function (?:\S+\.)?([^\s.]+) at 0x[0-9a-fA-F]+>", r"\1", repr(thing))
