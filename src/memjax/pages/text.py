"""Tables as plain text, for a terminal."""

from __future__ import annotations

from memjax.pages.table import Table

__all__ = ["as_text"]


def as_text(table: Table) -> str:
    """Table in columns of plain text, for a terminal.

    Examples
    --------
    >>> from memjax.studies import Table
    >>> print(as_text(Table("Sizes", ("N", "gap"), (("50", "9.1"), ("100", "12.9")))))
    Sizes
    N    gap
    50   9.1
    100  12.9
    """
    rows = [table.columns, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([table.title, *lines, *([table.note] if table.note else [])])
