"""Studies by their names on the command line."""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from pathlib import Path

from memjax.errors import InputError, listing
from memjax.studies.kit.study import Study

__all__ = ["find", "names", "overview"]


def _packages() -> dict[str, str]:
    """Package of every study by its name: a folder here whose file ``study.py`` defines ``STUDY``."""
    found = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parents[1])]) if module.ispkg]
    return {name.replace("_", "-"): name for name in found if name != "kit"}


def names() -> list[str]:
    """Names of all studies.

    Examples
    --------
    >>> "l2-memorization" in names()
    True
    """
    return sorted(_packages())


def find(name: str) -> Study:
    """Study of a name.

    Raises
    ------
    InputError
        If there is none; the message names similar ones, or lists all.

    Examples
    --------
    >>> study = find("l2-memorization")
    >>> study.name, list(study.scales)
    ('l2-memorization', ['quick', 'paper'])
    >>> study.sweeps("quick", 3)["sweep"].over["seed"]
    range(0, 3)
    """
    packages = _packages()
    if name not in packages:
        near = [known for known in names() if name and known.startswith(name)] or get_close_matches(name, names())
        if near:
            raise InputError(f"There is no study {name!r}. Did you mean {listing(near)}? memjax studies lists all.")
        raise InputError(f"There is no study {name!r}: use {listing(names())}.")
    study: Study = importlib.import_module(f"memjax.studies.{packages[name]}.study").STUDY
    return study


def overview() -> str:
    """All studies with their titles and scales, as text."""
    found = [find(name) for name in names()]
    width = max(len(study.name) for study in found)
    lines = []
    for study in found:
        lines.append(f"{study.name.ljust(width)}  {study.title}")
        lines += [f"{' ' * width}    {scale}: {text}" for scale, text in study.scales.items()]
    return "\n".join(lines)
