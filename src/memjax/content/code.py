"""The parts of a user's function or class: its bytecode, its constants, and the globals that it names."""

from __future__ import annotations

import builtins
import dis
import hashlib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from memjax.content import imports, origin

__all__ = ["form_of", "globals_of", "held_in", "members_of", "source_of"]

# Attributes that Python and `dataclasses` add to a class. Fields and their defaults are read elsewhere.
_ADDED = frozenset({
    "__dict__", "__weakref__", "__module__", "__doc__", "__annotations__", "__qualname__", "__firstlineno__",
    "__static_attributes__", "__dataclass_fields__", "__dataclass_params__", "__match_args__", "__abstractmethods__",
    "__parameters__", "__orig_bases__", "__annotate__", "__annotate_func__", "__annotations_cache__", "_abc_impl",
    # Appears with the first copy or pickle of an object.
    "__slotnames__",
})  # fmt: skip
# What looks a global name up; the last one does in a type alias or a type parameter inside a class, from Python 3.12 on.
_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_EMPTY = ("a cell that is still empty",)


def form_of(compiled: types.CodeType, doc: str | None) -> tuple[str, tuple[Any, ...]]:
    """A code object as text, without constants, names, lines and file; and its constants, without the docstring.

    Examples
    --------
    >>> form_of((lambda x: x + 1).__code__, None) == form_of((lambda x: x + 2).__code__, None)
    False
    """
    arguments = compiled.co_argcount, compiled.co_posonlyargcount, compiled.co_kwonlyargcount, compiled.co_flags
    names = compiled.co_names, compiled.co_varnames, compiled.co_freevars, compiled.co_cellvars
    # `co_code` is the original bytecode, which calls of the function do not change.
    form = repr((arguments, names, compiled.co_code, compiled.co_exceptiontable))
    constants = compiled.co_consts
    return form, constants[1:] if doc is not None and constants[:1] == (doc,) else constants


def held_in(cell: types.CellType) -> Any:
    """The value in a cell of a closure."""
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def globals_of(function: types.FunctionType) -> dict[str, Any]:
    """Global values that the code of a function names, by path; paths continue through the user's own modules.

    Members of installed modules are omitted, because the code itself names them.

    Examples
    --------
    >>> import types
    >>> used = types.FunctionType((lambda x: rate * abs(x)).__code__, {"rate": 3.0, "other": 4.0})
    >>> globals_of(used)
    {'rate': 3.0}
    """
    found: dict[str, Any] = {}
    for path in dict.fromkeys(_paths(function.__code__)):
        value, rest = _root(function, path[0]), path[1:]
        depth = 1
        while isinstance(value, types.ModuleType) and not origin.installed(value.__name__) and rest:
            value, rest, depth = _member(value, rest[0]), rest[1:], depth + 1
        if value is builtins or (isinstance(value, types.ModuleType) and origin.installed(value.__name__)):
            continue
        found[".".join(path[:depth])] = value
    return found


def _member(module: types.ModuleType, name: str) -> Any:
    """A member of a module: an attribute, or a submodule."""
    found = getattr(module, name, _EMPTY)
    return imports.module_of(f"{module.__name__}.{name}") or _EMPTY if found is _EMPTY else found


def _root(function: types.FunctionType, name: str) -> Any:
    """Value of a global name, or of an imported module if a dot precedes the name; `builtins` for built-in names."""
    held = function.__globals__
    if name.startswith("."):
        package = held.get("__package__") or str(held.get("__name__", "")).rpartition(".")[0]
        return imports.module_of(name.removeprefix("."), package) or f"no module is named {name}"
    if name in held:
        return held[name]
    return builtins if hasattr(builtins, name) else f"nothing is named {name}"


def _paths(compiled: types.CodeType) -> Iterator[tuple[str, ...]]:
    """Global names in a code object and in nested code objects, each with the attributes that directly follow it."""
    path: tuple[str, ...] = ()
    module, pushed = "", [None, None]
    for instruction in dis.get_instructions(compiled):
        word, name = instruction.opname, instruction.argval
        if word == "EXTENDED_ARG":  # Part of the next instruction's operand, in a function with very many names.
            continue
        if word in ("LOAD_ATTR", "LOAD_METHOD") and path:
            path = (*path, str(name))
            continue
        if path:
            yield path
        path = (str(name),) if word in _GLOBAL else ()
        if word == "IMPORT_NAME":
            level, names = pushed
            module = f".{'.' * (level or 0)}{name}" if names else ""
            yield from () if names else ((f".{name}",),)
        elif word == "IMPORT_FROM" and module:
            yield module, str(name)
        pushed = [pushed[1], name]
    if path:
        yield path
    for constant in compiled.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _paths(constant)


def members_of(kind: type) -> dict[str, Any]:
    """Attributes of a user's class, without attributes that Python or `dataclasses` added."""
    slots = types.MemberDescriptorType | types.GetSetDescriptorType
    return {name: value for name, value in vars(kind).items() if name not in _ADDED and not isinstance(value, slots)}


def source_of(module: types.ModuleType, refuse: Callable[[Any, str], Exception]) -> bytes:
    """Digest of the source file of a module."""
    try:
        return hashlib.sha256(Path(str(module.__file__)).read_bytes()).digest()
    except (OSError, AttributeError) as problem:
        raise refuse(module, f"its file cannot be read: {problem}") from None
