"""JSON text as plain data, where every key counts: a table that says one thing twice is refused, as TOML does."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["read_json"]


def read_json(text: str | bytes) -> Any:
    """Plain data of JSON text; a byte order mark before it is passed over.

    Raises
    ------
    ValueError
        If it is no JSON, or a key stands twice in a table.
    RecursionError
        If it is nested too deep.

    Examples
    --------
    >>> read_json('{"steps": 2}')
    {'steps': 2}
    >>> read_json('{"steps": 2, "steps": 20}')
    Traceback (most recent call last):
        ...
    ValueError: the key 'steps' stands twice in one table
    """
    # From bytes JSON itself passes over the mark and finds out the encoding.
    return json.loads(text.removeprefix("\ufeff") if isinstance(text, str) else text, object_pairs_hook=_table)


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(f"the key {name!r} stands twice in one table")
        table[name] = value
    return table
