"""The report of a study: one description of what it contains, written as Markdown and as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from memjax.studies._content import Picture
from memjax.studies._html import page
from memjax.studies._markdown import as_markdown, markdown

if TYPE_CHECKING:
    from memjax.studies._content import Report
    from memjax.studies.study import Table

__all__ = ["as_markdown", "as_text", "write_report"]


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


def write_report(folder: Path, report: Report) -> None:
    """Write ``report.md`` and ``report.html`` beside the figures, which the second holds as they are in the folder."""
    blocks = (block for section in report.sections for block in section.blocks)
    names = [block.name for block in blocks if isinstance(block, Picture)]
    pictures = {name: (folder / f"{name}.png").read_bytes() for name in names}
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    (folder / "report.html").write_text(page(report, pictures), encoding="utf-8")
