"""Every public name of memjax, read from the ``__all__`` of the open packages: no list of names is kept by hand."""

from __future__ import annotations

import ast
import importlib
import inspect
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import memjax

ADDING = Path(__file__).resolve().parents[1] / "adding"
# Packages that users import from and that ``memjax.__all__`` does not name: the types of parts, and the studies.
FURTHER = ("types", "studies", "studies.kit")


@dataclass(frozen=True)
class Public:
    """One public name of one open package."""

    package: str
    name: str

    @property
    def path(self) -> str:
        """What a user writes: package and name."""
        return f"{self.package}.{self.name}"

    @property
    def value(self) -> Any:
        """The object behind the name."""
        return getattr(importlib.import_module(self.package), self.name)

    @property
    def is_code(self) -> bool:
        """Whether the name is a function or a class of memjax, whose docstring Python keeps; other objects are data."""
        kinds = inspect.isfunction(self.value) or inspect.isclass(self.value)
        return kinds and self.value.__module__.startswith("memjax")

    @property
    def source(self) -> str:
        """The module that defines the name."""
        return _source(self.package, self.name)


def _source(package: str, name: str) -> str:
    from_where = _imported(package).get(name)
    return package if from_where is None else _source(*from_where)


@cache
def _imported(module: str) -> dict[str, tuple[str, str]]:
    """What a module imports from memjax: its own name for an object, and the module and name where the object comes from."""
    source = inspect.getsource(importlib.import_module(module))
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in nodes if (node.module or "").startswith("memjax")]
    return {alias.asname or alias.name: (str(node.module), alias.name) for node in ours for alias in node.names}


def packages() -> list[str]:
    """The open packages: memjax, the packages that ``memjax.__all__`` names, types and studies."""
    named = [name for name in memjax.__all__ if isinstance(getattr(memjax, name), ModuleType)]
    return ["memjax", *(f"memjax.{name}" for name in (*named, *FURTHER))]


def names(package: str) -> list[Public]:
    """The names that ``__all__`` of a package gives, without packages."""
    module = importlib.import_module(package)
    return [Public(package, name) for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)]


@cache
def public() -> tuple[Public, ...]:
    """Every public name of every open package."""
    return tuple(name for package in packages() for name in names(package))


@cache
def helpers() -> tuple[Public, ...]:
    """What the skeletons in ``docs/adding`` import from inside memjax, beside public names."""
    known = {(name.source, name.name) for name in public()}
    found = sorted({(node.module, alias.name) for node in _imports() for alias in node.names})
    names = [Public(module, name) for module, name in found if module and module not in packages()]
    return tuple(name for name in names if (name.source, name.name) not in known)


def _imports() -> list[ast.ImportFrom]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ADDING.glob("*.py"))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return [node for node in nodes if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("memjax")]


@cache
def home(name: Public) -> Public:
    """The name under which an object is documented, if several packages have the object.

    This is the package that holds the defining module, such as ``memjax.schedules`` for ``memjax.optimizers.cosine``.
    """
    same = [other for other in public() if (other.source, other.value is name.value) == (name.source, True)]
    inside = [
        other for other in same if f"{name.source}.".startswith(f"{other.package}.") and other.package != "memjax"
    ]
    return (inside or same or [name])[0]


def folder(name: Public) -> str:
    """The folder within its package that defines a name; empty if a file of the package itself or another package does."""
    inside = name.source.startswith(f"{name.package}.") and name.package != "memjax"
    inner = name.source.removeprefix(f"{name.package}.")
    return inner.partition(".")[0] if inside and "." in inner else ""
