"""Keyword arguments that a public class or function does not take: a whole sentence in place of Python's."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from memjax.checks.suggestions import hint
from memjax.errors import InputError, listing

__all__ = ["named"]

T = TypeVar("T", bound=Callable[..., Any])

Parts = Callable[[Any], Iterable[str]]
"""Dotted paths of the fields of an object, such as ``optimizer.learning_rate``."""


def named(made: T, parts: Parts | None = None) -> T:
    """Decorate a function, or a dataclass, so that an unknown keyword raises `InputError` with a suggestion.

    Parameters
    ----------
    made
        A function, or a class, whose ``__init__`` is replaced. Signature, name and documentation stay.
    parts
        Paths of all fields of an object, for a class whose objects hold others: an unknown keyword may be a field of these.

    Examples
    --------
    >>> named(lambda learning_rate: None)(lr=0.1)
    Traceback (most recent call last):
        ...
    memjax.errors.InputError: <lambda> takes no 'lr'. Did you mean learning_rate? It takes learning_rate.
    """
    if isinstance(made, type):
        kind: Any = made
        kind.__init__ = _guarded(kind.__init__, parts and functools.partial(_inside, made, parts))
        return made
    return _guarded(made, None)


def _guarded(function: Any, inside: Callable[..., str] | None) -> Any:
    """The function; only after Python has refused a call are its keywords looked at, so that other calls cost nothing."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            taken = [own for own in inspect.signature(function).parameters if own != "self"]
            unknown = [own for own in kwargs if own not in taken]
            if not unknown:
                raise
            name = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
            problem = _sentence(name, taken, unknown[0])
            if inside is not None:
                given = {own: value for own, value in kwargs.items() if own in taken}
                problem = inside(unknown[0], args[1:], given) or problem
        raise InputError(problem)

    return call


def _sentence(name: str, taken: list[str], unknown: str) -> str:
    return f"{name} takes no {unknown!r}.{hint(unknown, taken)} It takes {listing(taken)}."


def _inside(kind: Any, parts: Parts, unknown: str, args: tuple[Any, ...], given: dict[str, Any]) -> str:
    """The sentence for a keyword that is a field of an object in the object; empty where no such field is meant."""
    made = kind(*args, **given)
    known = list(parts(made))
    suggested = hint(unknown, known)
    for path in known:
        outer, _, field = path.rpartition(".")
        if outer and "." not in outer and re.search(rf"Did you mean {field}\b", suggested):
            part = getattr(made, outer)
            whose = getattr(part, "name", type(part).__name__)
            suggested = "" if field == unknown else suggested
            return f"{kind.__name__} takes no {unknown!r}.{suggested} It is a field of {outer}: {outer}={whose}({field}=...)."
    return ""
