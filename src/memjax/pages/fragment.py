"""Pieces of HTML that a notebook shows: they inherit its colours and its font, and load nothing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["field_table", "folded", "paragraph"]

_CELL = "text-align: left; vertical-align: top; padding: 0.1em 1em 0.1em 0; background: none; border: 0"
# Half of the colour of the notebook's text is grey on white paper and in the dark.
_FAINT = "opacity: 0.55"


def field_table(rows: Iterable[tuple[str, str, bool]]) -> str:
    """Table of names and their values, which are HTML; a row may be faint.

    Examples
    --------
    >>> "opacity" in field_table([("steps", "20", False)]), "&lt;b&gt;" in field_table([("<b>", "20", True)])
    (False, True)
    """
    body = "".join(
        f'<tr style="background: none{f"; {_FAINT}" if faint else ""}">'
        f'<th style="{_CELL}; font-weight: 600">{escape(name)}</th><td style="{_CELL}">{value}</td></tr>'
        for name, value, faint in rows
    )
    style = "border-collapse: collapse; border: 0; margin: 0.3em 0; color: inherit; font-size: inherit"
    return f'<table style="{style}"><tbody>{body}</tbody></table>'


def folded(summary: str, inside: str, *, is_open: bool = False) -> str:
    """HTML that is hidden until its summary is clicked; the summary is text."""
    return f"<details{' open' if is_open else ''}><summary>{escape(summary)}</summary>{inside}</details>"


def paragraph(text: str, *, strong: bool = False) -> str:
    """A paragraph of text."""
    return f'<p style="margin: 0.3em 0">{f"<strong>{escape(text)}</strong>" if strong else escape(text)}</p>'
