"""Whose code something is: of an installed package, which is known by its name, or the user's own, which is read."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["installed", "installed_name"]

# A store writes the versions of these down by themselves, and says so where they change.
_KNOWN = frozenset({"memjax", "jax", "jaxlib", "flax", "optax", "numpy", "scipy", "xarray"})
_FOLDERS = ("site-packages", "dist-packages")


def installed(module: Any) -> str:
    """Name of a module of Python or of an installed package, with the version of a package; empty for the user's own.

    Examples
    --------
    >>> installed("json.decoder"), installed("jax.numpy"), installed("__main__"), installed(None)
    ('json.decoder', 'jax.numpy', '', '')
    """
    if not isinstance(module, str) or module == "__main__":
        return ""
    top = module.partition(".")[0]
    if top in _KNOWN or top in sys.stdlib_module_names:
        return module
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    if not any(folder in file for folder in _FOLDERS):
        return ""
    return f"{module} {getattr(sys.modules.get(top), '__version__', '')}".strip()


def installed_name(thing: Any) -> str:
    """Name by which an installed package has an object, such as ``jax.nn:relu``; empty if none has the object by its own name.

    Examples
    --------
    >>> import functools, json
    >>> installed_name(json.dumps), installed_name(functools.partial(json.dumps, indent=1))
    ('json:dumps', '')
    """
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", getattr(thing, "__name__", None))
    where = installed(module)
    if not where or not isinstance(name, str):
        return ""
    found: Any = sys.modules.get(module) if isinstance(module, str) else None
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{where}:{name}" if found is thing else ""
