"""The file of a sweep: TOML or JSON text as plain tables."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any

from memjax.checks.json_text import read_json
from memjax.errors import InputError

__all__ = ["read_spec"]


def read_spec(path: Path, name: str) -> dict[str, Any]:
    """Tables of the file at a path; errors call the file ``name``, as the user did."""
    if path.suffix not in (".toml", ".json"):
        raise InputError(f"The spec {name!r} has an unknown ending: give a .toml or .json file.")
    text = _text(path, name)
    try:
        data = tomllib.loads(text) if path.suffix == ".toml" else read_json(text)
    except (ValueError, RecursionError) as problem:
        raise InputError(f"The spec {name!r} is not valid {path.suffix[1:].upper()}: {problem}.") from None
    if not isinstance(data, dict):
        raise InputError(f"The spec {name!r} must be a table with experiment and over.")
    return data


def _text(path: Path, name: str) -> str:
    try:
        # Some editors on Windows begin a file with a byte order mark.
        return path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise InputError(f"The spec {name!r} cannot be read: {problem.strerror}.") from None
    except UnicodeDecodeError as problem:
        found = "in UTF-16" if problem.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "no text in UTF-8"
        raise InputError(f"The spec {name!r} is {found}: save it as UTF-8.") from None
