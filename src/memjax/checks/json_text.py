"""Read JSON text strictly: a table with a repeated key is refused, as in TOML."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["read_json"]


def read_json(text: str | bytes) -> Any:
    """Plain data from JSON text; a leading byte order mark is ignored.

    Raises
    ------
    ValueError
        If the text is not JSON, or a table repeats a key.
    RecursionError
        If the text is nested too deeply.

    Examples
    --------
    >>> read_json('{"steps": 2}')
    {'steps': 2}
    >>> read_json('{"steps": 2, "steps": 20}')
    Traceback (most recent call last):
        ...
    ValueError: the key 'steps' stands twice in one table
    """
    # For bytes, `json` itself ignores the mark and detects the encoding.
    return json.loads(text.removeprefix("\ufeff") if isinstance(text, str) else text, object_pairs_hook=_table)


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(f"the key {name!r} stands twice in one table")
        table[name] = value
    return table
