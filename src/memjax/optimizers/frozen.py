"""Dicts and lists among the numbers of an optimizer, such as masks and labels by parameter: hashable while they are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from memjax.errors import InputError, listing

__all__ = ["KINDS", "MAPPINGS", "Tree", "freeze", "read"]

MAPPINGS = ("dict", "OrderedDict")
KINDS: dict[str, Any] = {"dict": dict, "OrderedDict": OrderedDict, "list": list, "tuple": tuple}


class Tree(NamedTuple):
    """A container and its entries; equal for equal containers of the same kind.

    Optax looks for the structure of the parameters in a mask, so a list must come back as a list, and a dict as a dict.

    Attributes
    ----------
    kind
        One of `KINDS`.
    entries
        The entries of the container; for a dict, pairs of key and value.
    """

    kind: str
    entries: tuple[Any, ...]

    def thaw(self) -> Any:
        """The container, made anew.

        Examples
        --------
        >>> freeze({"bias": False, "kernel": [True, None]}).thaw()
        {'bias': False, 'kernel': [True, None]}
        """
        if self.kind in MAPPINGS:
            return KINDS[self.kind]((key, _thawed(item)) for key, item in self.entries)
        return KINDS[self.kind](_thawed(item) for item in self.entries)

    def __repr__(self) -> str:
        return repr(self.thaw())


def freeze(value: Any) -> Any:
    """A `Tree` for dicts and lists, and for tuples that hold them at any depth; anything else as it is."""
    kind = type(value)
    if kind in (dict, OrderedDict):
        return Tree(kind.__name__, tuple((key, freeze(item)) for key, item in value.items()))
    if kind in (list, tuple):
        entries = tuple(freeze(item) for item in value)
        return Tree(kind.__name__, entries) if kind is list or any(isinstance(e, Tree) for e in entries) else value
    return value


def read(fields: Mapping[str, Any], decode: Callable[[Any], Any]) -> Any:
    """The container of a tree that was written as plain data, ``kind`` and ``entries``; ``decode`` reads an entry.

    Raises
    ------
    InputError
        If the data are no tree.
    """
    kind: Any = fields.get("kind")
    entries: Any = fields.get("entries")
    pairs = kind in MAPPINGS
    known = set(fields) == {"kind", "entries"} and isinstance(kind, str) and kind in KINDS and isinstance(entries, list)
    if not known or (pairs and not all(isinstance(entry, list) and len(entry) == 2 for entry in entries)):
        raise InputError(
            f"A tree needs a kind, {listing(KINDS)}, and a list of entries, in pairs for a dict: it has {fields!r}."
        )
    inside = [decode(item) for entry in entries for item in (entry if pairs else [entry])]
    return KINDS[kind](zip(inside[::2], inside[1::2], strict=True) if pairs else inside)


def _thawed(value: Any) -> Any:
    return value.thaw() if isinstance(value, Tree) else value
