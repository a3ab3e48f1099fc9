"""One digest of everything in an object that can change a number; the digest is the same in every process."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import reprlib
import sys
import types
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from memjax.content import code, objects, origin
from memjax.content.captured import as_captured
from memjax.content.later import stated
from memjax.errors import InputError, cause

__all__ = ["PYTHON", "Unreadable", "content", "same", "try_content"]

_HOOK = "__memjax_content__"
_GUARDS = "memjax.checks.keywords"
_ATOMS = (type(None), type(...), type(NotImplemented), bool, int, float, complex, str)
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""Prefix of a digest of code."""
_DEEPEST = 100


class Unreadable(InputError):
    """An object whose content cannot be read, so that it cannot be distinguished from others."""

    def __init__(self, thing: Any, problem: str) -> None:
        super().__init__(
            f"What the {type(thing).__name__} {reprlib.repr(thing)} holds cannot be read ({problem}), so two of its kind "
            f"cannot be told apart: give the object, or the function that uses the object, an attribute {_HOOK}, a text that "
            "you change whenever its numbers change."
        )


def content(thing: Any) -> str:
    """Digest of the content of an object.

    Two objects have the same digest if they have the same code, constants, default arguments, captured values, global
    values that their code names, and fields. Their own names and addresses do not matter. A function of an installed
    package enters by its name, and the values that it captured enter by content.

    Parameters
    ----------
    thing
        A number, array, function, class, dataclass, or any object that could be pickled.

    Returns
    -------
    str
        64 hexadecimal digits. If a user's code was read, they follow the version of Python, such as ``python3.11:``,
        because another version compiles the same source to other code.

    Raises
    ------
    Unreadable
        If something inside has only an address, such as an open file. An object with the attribute ``__memjax_content__``,
        a string, has that string as its content.

    Examples
    --------
    >>> def power(exponents):
    ...     return lambda x: [x**exponent for exponent in exponents]
    >>> content(power([1, 2])) == content(power([1, 2])), content(power([1, 2])) == content(power([1, 3]))
    (True, False)
    >>> content(np.tanh)[:8], content(np.arange(3)) == content(np.arange(3.0))
    ('b2435203', False)
    """
    reader = _Reader()
    found = reader.digest(thing).hex()
    return f"{PYTHON}:{found}" if reader.read_code else found


def try_content(thing: Any) -> str | None:
    """Digest of the content of an object; None if the content cannot be read."""
    try:
        return content(thing)
    except Unreadable:
        return None


def same(ours: str, theirs: str) -> bool | None:
    """Whether two digests stand for the same content; None if they are from different versions of Python.

    Examples
    --------
    >>> same("python3.11:ab", "python3.11:ac"), same("python3.11:ab", "python3.12:ac"), same("ab", "ab")
    (False, None, True)
    """
    (ours_under, _, _), (theirs_under, _, _) = ours.rpartition(":"), theirs.rpartition(":")
    return None if ours_under and theirs_under and ours_under != theirs_under else ours == theirs


def _hash(*parts: bytes | str) -> bytes:
    total = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.digest()


class _Reader:
    """Reads the digest of an object and of everything inside; an object that occurs twice is read once."""

    def __init__(self) -> None:
        self.read_code = False
        # Keeping the object alive keeps its address from being given to another object.
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._open: list[int] = []

    def digest(self, thing: Any) -> bytes:
        if isinstance(thing, _ATOMS) and type(thing) in _ATOMS:
            return _hash(type(thing).__name__, repr(thing))
        if isinstance(thing, bytes | bytearray):
            return _hash(type(thing).__name__, bytes(thing))
        known = self._known.get(id(thing))
        if known is not None:
            return known[1]
        if id(thing) in self._open:
            return _hash("above", str(self._open[::-1].index(id(thing))))
        if len(self._open) > _DEEPEST:
            raise Unreadable(thing, f"it is nested more than {_DEEPEST} deep")
        self._open.append(id(thing))
        try:
            found = self._read(thing)
        except Unreadable:
            raise
        except Exception as problem:  # Reading a foreign object may raise anything.
            raise Unreadable(thing, cause(problem)) from problem
        finally:
            self._open.pop()
        self._known[id(thing)] = thing, found
        return found

    def _all(self, kind: str, things: Iterable[Any]) -> bytes:
        return _hash(kind, *(self.digest(thing) for thing in things))

    def _table(self, kind: str, pairs: Mapping[Any, Any]) -> bytes:
        """A mapping, independent of the order of its keys."""
        items = sorted((self.digest(key), self.digest(value)) for key, value in pairs.items())
        return _hash(kind, *(part for item in items for part in item))

    def _read(self, thing: Any) -> bytes:
        given = _declared_content(thing)
        if given is not None:
            return _hash(_HOOK, given)
        for read in (self._data, self._callable):
            found = read(thing)
            if found is not None:
                return found
        if name := origin.installed_name(thing):
            return _hash("name", name)
        if dataclasses.is_dataclass(thing):
            return self._dataclass(thing)
        return self._reduced(thing)

    def _data(self, thing: Any) -> bytes | None:
        """Arrays and containers."""
        if isinstance(thing, jax.Array):
            return self._array(_host(thing))
        if isinstance(thing, np.ndarray | np.generic):
            return self._array(thing)
        if isinstance(thing, np.dtype):
            return _hash("dtype", repr(thing))
        if isinstance(thing, tuple | list):
            return _hash(type(thing).__name__, self._kind(thing), *(self.digest(item) for item in thing))
        if isinstance(thing, set | frozenset):
            return _hash(type(thing).__name__, self._kind(thing), *sorted(self.digest(item) for item in thing))
        if type(thing) is dict:
            # The order counts: layers in a dict may be applied in the order of the dict.
            return self._all("dict", (part for pair in thing.items() for part in pair))
        if isinstance(thing, types.MappingProxyType):
            return self._table("table", thing)
        return None

    def _kind(self, thing: Any) -> bytes:
        """Class of a user's container, and its attributes beyond those of Python's containers."""
        plain = type(thing) in (tuple, list, set, frozenset)
        return b"" if plain else self._all("kind", (type(thing), getattr(thing, "__dict__", None) or {}))

    def _array(self, array: Any) -> bytes:
        values = np.asarray(array)
        form = _hash(type(array).__name__, repr(values.dtype), repr(values.shape))
        mask = self.digest(np.ma.getmaskarray(array)) if isinstance(array, np.ma.MaskedArray) else b""
        if values.dtype.hasobject:
            return _hash(form, mask, *(self.digest(item) for item in values.ravel().tolist()))
        return _hash(form, mask, hashlib.sha256(np.ascontiguousarray(values).tobytes()).digest())

    def _callable(self, thing: Any) -> bytes | None:
        """Functions, classes, modules, and wrappers around them."""
        if isinstance(thing, types.ModuleType):
            return _hash("module", origin.installed(thing.__name__) or code.source_of(thing, Unreadable))
        if isinstance(thing, types.FunctionType):
            # A guard of memjax's own keywords changes no number, so a function has the content that it has without.
            guard = thing.__globals__.get("__name__") == _GUARDS
            return self._function(getattr(thing, "__wrapped__", thing) if guard else thing)
        if isinstance(thing, types.CodeType):
            return self._code(thing, None)
        if isinstance(thing, types.MethodType):
            return self._all("method", (thing.__func__, thing.__self__))
        if isinstance(thing, types.BuiltinMethodType | types.MethodWrapperType):
            held = getattr(thing, "__self__", None)
            # A function of a C module has the module as its ``__self__``.
            inside = b"" if held is None or isinstance(held, types.ModuleType) else self.digest(held)
            return _hash("built in", str(getattr(thing, "__module__", None)), thing.__qualname__, inside)
        if isinstance(thing, functools.partial):
            return self._all("partial", (thing.func, thing.args, types.MappingProxyType(thing.keywords)))
        if isinstance(thing, property):
            return self._all("property", (thing.fget, thing.fset, thing.fdel))
        if isinstance(thing, staticmethod | classmethod):
            return self._all(type(thing).__name__, (thing.__func__,))
        if isinstance(thing, functools.cached_property):
            return self._all("cached property", (thing.func,))
        if isinstance(thing, type):
            return self._class(thing)
        return None

    def _function(self, function: types.FunctionType) -> bytes:
        where = origin.installed(function.__globals__.get("__name__"))
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        captured = {name: code.held_in(cell) for name, cell in cells}
        if where:
            captured = {name: as_captured(value) for name, value in captured.items()}
        attributes = {name: value for name, value in vars(function).items() if name != "__wrapped__"}
        tables = (types.MappingProxyType(held) for held in (function.__kwdefaults__ or {}, captured, attributes))
        inside = self._all("inside", (function.__defaults__, *tables))
        if where:
            return _hash("function", where, function.__code__.co_qualname, inside)
        named = {path: self.digest(value) for path, value in code.globals_of(function).items()}
        used = _hash("globals", *(part for path in sorted(named) for part in (path, named[path])))
        return _hash("function", self._code(function.__code__, function.__doc__), inside, used)

    def _code(self, compiled: types.CodeType, doc: str | None) -> bytes:
        self.read_code = True
        form, constants = code.form_of(compiled, doc)
        return _hash("code", form, *(self.digest(constant) for constant in constants))

    def _class(self, kind: type) -> bytes:
        if name := origin.installed_class(kind):
            return _hash("class", f"{name}:{kind.__qualname__}")
        above = (type(kind), *kind.__bases__)
        return _hash("class", kind.__qualname__, self._all("above", above), self._table("own", code.members_of(kind)))

    def _dataclass(self, thing: Any) -> bytes:
        names = [name for name in stated(thing) if not (name == "parent" and objects.is_linen(thing))]
        fields = (part for name in names for part in (name, self._field(thing, name)))
        return _hash("dataclass", self.digest(type(thing)), *fields, self.digest(objects.extra_attributes(thing)))

    def _field(self, thing: Any, name: str) -> bytes:
        return self.digest(getattr(thing, name)) if hasattr(thing, name) else b""

    def _reduced(self, thing: Any) -> bytes:
        """Any other object, by the state that pickle would save."""
        if name := origin.name_in_own_module(thing):
            return _hash("name", name)
        if isinstance(thing, objects.WEAK):
            return _hash("weak", type(thing).__qualname__)
        if hasattr(thing, "__wrapped__") and origin.installed_class(type(thing)):
            return self._all("wrapped", (type(thing), thing.__wrapped__, objects.wrapper_attributes(thing)))
        try:
            reduced = objects.reduced(thing)
        except Exception as problem:
            raise Unreadable(thing, cause(problem)) from None
        if isinstance(reduced, str):
            return _hash("global", reduced)
        function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        state = objects.settled_state(thing, state)
        return self._all("object", (function, arguments, state, list(items or ()), dict(pairs or ())))


def _declared_content(thing: Any) -> str | None:
    """The text that an object declares as its content."""
    if isinstance(thing, type):
        return None
    try:
        found = getattr(thing, _HOOK, None)
    except Exception:
        return None
    return found if isinstance(found, str) else None


def _host(array: jax.Array) -> Any:
    if isinstance(array, jax.core.Tracer):
        raise Unreadable(array, "it is being traced by jax.jit or the like, so that it has no value yet")
    if jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key):
        return np.asarray(jax.random.key_data(array))
    return np.asarray(array)
