"""What a page contains, said once for every format to write out: text, facts, links, tables, pictures and code in sections."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memjax.pages.table import Table

__all__ = ["Block", "Code", "Facts", "Links", "Picture", "Report", "Section", "Text", "numeric_columns"]

_NUMBER = r"[-+−]?(\d[\d,]*(\.\d*)?|\.\d+)(e[-+]?\d+)?%?"
# A number, with its interval where it has one; what stands for a missing number does not make a column text.
_COUNTS = r"(never|not known) in \d+ of \d+"
_NUMERIC_CELL = re.compile(
    rf"({_NUMBER}|nan|-?inf)( \[({_NUMBER}|-?inf), ({_NUMBER}|inf)\]%?| \[no interval\]%?)?(, {_COUNTS})*"
    rf"|{_COUNTS}(, {_COUNTS})*|[-–—]?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Text:
    """Paragraphs of plain text."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names and what each one is."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Links:
    """Addresses by what they lead to."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    """A figure by the name of its file, with what it shows (``alt``) and what that means (``caption``)."""

    name: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Code:
    """Text to be copied as it is; folded where a format can."""

    title: str
    language: str
    text: str
    folded: bool = False


Block = Text | Facts | Links | Table | Picture | Code


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; folded where a format can."""

    title: str
    blocks: tuple[Block, ...]
    folded: bool = False


@dataclass(frozen=True)
class Report:
    """A title, the question and the setting that a reader needs first, and sections."""

    title: str
    lead: Text
    sections: tuple[Section, ...]


def numeric_columns(table: Table) -> tuple[bool, ...]:
    """Whether every cell of a column is a number, so that it is aligned as one.

    Examples
    --------
    >>> numeric_columns(Table("", ("size", "gap", "claim"), (("50", "9.1 [8.9, 9.3]", "about 40"), ("100", "nan", "3"))))
    (True, True, False)
    """
    columns = ([row[i] for row in table.rows] for i in range(len(table.columns)))
    return tuple(any(cells) and all(_NUMERIC_CELL.fullmatch(cell) for cell in cells) for cells in columns)
