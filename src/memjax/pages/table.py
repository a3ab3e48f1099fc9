"""A table of text, as it stands in reports, CSV files and terminals."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """Rows of text under named columns, with a sentence on what they mean.

    Attributes
    ----------
    title
        One line.
    columns, rows
        Text of the head and of every cell.
    note
        How to read the table, and what its numbers cannot mean.

    Examples
    --------
    >>> losses = Table("Loss by train size", ("train size", "loss"), (("50", "0.31"), ("100", "0.12")), "Means of four runs.")
    >>> [dict(zip(losses.columns, row))["loss"] for row in losses.rows]
    ['0.31', '0.12']
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
