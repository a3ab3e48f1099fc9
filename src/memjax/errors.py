"""The one exception for a user's mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["InputError", "cause", "listing", "shown"]


# What to do where JAX refuses a function that it traces, by the kind of error: JAX's own first line says only what failed.
_TRACED = {
    "TracerArrayConversionError": "NumPy was called on a value that JAX traces, so use jax.numpy in place of numpy",
    "TracerBoolConversionError": "Python's if, and, or, not or while was asked of a value that JAX traces, so use jnp.where, "
    "or jnp.logical_and and its like",
    "TracerIntegerConversionError": "a value that JAX traces stood where Python needs a whole number, so keep it in jax.numpy",
    "ConcretizationTypeError": "a value that JAX traces was made a number of Python, so leave float(), int() and .item() out",
}


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


def listing(names: Iterable[object], last: str = "or") -> str:
    """Write names as an English list, with the word ``last`` before the last name.

    Examples
    --------
    >>> listing(["adam", "sgd", "rmsprop"])
    'adam, sgd or rmsprop'
    >>> listing(["2 finished", "1 diverged"], last="and")
    '2 finished and 1 diverged'
    """
    words = [str(name) for name in names]
    if len(words) < 2:
        return "".join(words) or "nothing"
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def cause(problem: BaseException) -> str:
    """First line of what went wrong in a user's function, with its kind, to end a sentence with.

    Examples
    --------
    >>> cause(KeyError("weights"))
    "KeyError: 'weights'."
    """
    kind = type(problem).__name__
    if kind in _TRACED:
        return f"{_TRACED[kind]} ({kind})."
    lines = str(problem).strip().splitlines()
    return f"{kind}: {lines[0].rstrip('.') if lines else 'no message'}."


def shown(thing: object) -> str:
    """Repr of an object for a message, in which a function stands by its name alone.

    Examples
    --------
    >>> def softplus(x): ...
    >>> shown({"activation": softplus})
    "{'activation': softplus}"
    """
    return re.sub(r"<function (?:\S+\.)?([^\s.]+) at 0x[0-9a-fA-F]+>", r"\1", repr(thing))
