"""Modules that a function imports when it is called; the answer is the same before and after the first call."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import types

from memjax.content import origin

__all__ = ["module_of"]


def module_of(name: str, package: str = "") -> types.ModuleType | None:
    """A user's module, imported if necessary; `builtins` in place of an installed module; None if there is no such module.

    Examples
    --------
    >>> module_of("json.tool").__name__, module_of(".decoder", "json").__name__, module_of("no_such_module")
    ('builtins', 'builtins', None)
    """
    try:
        full = importlib.util.resolve_name(name, package)
        return builtins if _installed(full) else importlib.import_module(full)
    except (Exception, SystemExit):  # The function raises the same error when it is called.
        return None


def _installed(name: str) -> bool:
    """Whether a module is installed; an installed module is not imported."""
    if name in sys.modules or name.partition(".")[0] in sys.modules:
        return bool(origin.installed(name) or origin.installed(name.partition(".")[0]))
    spec = importlib.util.find_spec(name.partition(".")[0])
    places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any(origin.is_installed_file(place) for place in places)
