"""The origin of code: an installed package, whose code is identified by its name, or the user, whose code is read."""

from __future__ import annotations

import builtins
import os
import sys
import sysconfig
from typing import Any

__all__ = ["installed", "installed_class", "installed_name", "is_installed_file", "name_in_own_module", "written_name"]

# A store records the versions of these packages separately, and warns if they change.
_KNOWN = frozenset({"memjax", "jax", "jaxlib", "flax", "optax", "numpy", "scipy", "xarray"})
# Stores and specs name the objects of memjax by the module where these stood first: a file that moves keeps that name in them.
_WRITTEN_AS = {
    "memjax.checks.values": "memjax.checks",
    "memjax.experiment.experiment": "memjax.experiment",
    "memjax.experiment.start": "memjax.start",
    "memjax.jax_settings": "memjax.precision",
    "memjax.losses.of_outputs": "memjax.losses",
    "memjax.measures.recorded.last_layer": "memjax.measures.features",
    "memjax.optimizers.frozen": "memjax.optimizers.trees",
    "memjax.random.minibatches": "memjax.random",
    "memjax.random.streams": "memjax.random",
}
_IN_FAMILIES = ("memjax.analysis.", "memjax.measures.")
_ON_HEAP = 1 << 9
_FOLDERS = ("site-packages", "dist-packages")
_PYTHON = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.dirname(os.__file__)})


def written_name(module: str) -> str:
    """Name of a module in stores and specs: for memjax its first name, without intermediate folders; a study is one module.

    Examples
    --------
    >>> written_name("memjax.experiment.start"), written_name("memjax.measures.recorded.norms"), written_name("numpy")
    ('memjax.start', 'memjax.measures.norms', 'numpy')
    """
    room, _, file = module.rpartition(".")
    if module.startswith("memjax.studies.") and room.count(".") == 2:
        return room
    in_family = module.startswith(_IN_FAMILIES) and room.count(".") == 2
    return _WRITTEN_AS.get(module, f"{room.rpartition('.')[0]}.{file}" if in_family else module)


def installed(module: Any) -> str:
    """Name of a module of Python or of an installed package, with the package's version; empty for a user's module.

    Examples
    --------
    >>> installed("json.decoder"), installed("jax.numpy"), installed("__main__"), installed(None)
    ('json.decoder', 'jax.numpy', '', '')
    """
    if not isinstance(module, str) or module == "__main__":
        return ""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    # A user's file may have the name of a module of Python, such as code.py.
    if top in _KNOWN or (top in sys.stdlib_module_names and (not file or file.startswith(_PYTHON))):
        return written_name(module)
    if not any(folder in file for folder in _FOLDERS):
        return ""
    return f"{module} {getattr(sys.modules.get(top), '__version__', '')}".strip()


def is_installed_file(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package; frozen modules have a word in place of a file.

    Examples
    --------
    >>> is_installed_file(os.__file__), is_installed_file("built-in"), is_installed_file("/home/me/net.py")
    (True, True, False)
    """
    return file in ("built-in", "frozen") or file.startswith(_PYTHON) or any(folder in file for folder in _FOLDERS)


def installed_name(thing: Any) -> str:
    """Name of an object in an installed package, such as ``jax.nn:relu``; empty if no package has it under its own name.

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


def name_in_own_module(thing: Any) -> str:
    """Name of an object in the installed module of its class, such as ``random:_inst``; empty if it is not there.

    Examples
    --------
    >>> import random
    >>> name_in_own_module(random.random.__self__), name_in_own_module(random.Random(0))
    ('random:_inst', '')
    """
    module = type(thing).__module__
    where = installed(module)
    held = vars(sys.modules[module]) if where and module in sys.modules else {}
    return next((f"{where}:{name}" for name, value in list(held.items()) if value is thing), "")


def installed_class(kind: type) -> str:
    """Name of the installed module of a class, also of a class that a function made; empty for a user's class.

    Examples
    --------
    >>> installed_class(dict), installed_class(type("Own", (), {"__module__": "builtins"}))
    ('builtins:dict', '')
    """
    # A class made by `exec` without a module name claims to be built in; its heap flag shows that it is not.
    if (
        kind.__module__ == "builtins"
        and kind.__flags__ & _ON_HEAP
        and getattr(builtins, kind.__qualname__, None) is not kind
    ):
        return ""
    return installed_name(kind) or installed(kind.__module__)
