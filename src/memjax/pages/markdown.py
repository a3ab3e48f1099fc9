"""A report as Markdown, for reading in a terminal, an editor or a repository."""

from __future__ import annotations

import re

from memjax.pages.blocks import (
    Block,
    Code,
    Facts,
    Links,
    Picture,
    Report,
    Section,
    Text,
    numeric_columns,
)
from memjax.pages.table import Table

__all__ = ["as_markdown", "markdown"]

# What would start markup: code, emphasis, HTML, an entity, a link. Inside a word an underscore is one: train_size.
_MARKUP = re.compile(r"[\\`*<]|&(?=#?\w+;)|(?<!\w)_|_(?!\w)|\](?=[(\[])")


def markdown(report: Report) -> str:
    """Report as one text; its pictures are the PNG files beside it."""
    parts = [f"# {_escaped(report.title)}", _block(report.lead), *(_section(section) for section in report.sections)]
    return "\n\n".join(parts) + "\n"


def as_markdown(table: Table) -> str:
    r"""Table as Markdown; columns of numbers are aligned to the right.

    Examples
    --------
    >>> print(as_markdown(Table("Sizes", ("N", "claim"), (("50", "a|b"),), "One *row*.")))
    ### Sizes
    <BLANKLINE>
    | N | claim |
    | ---: | --- |
    | 50 | a\|b |
    <BLANKLINE>
    One \*row\*.
    """
    rule = ("---:" if numeric else "---" for numeric in numeric_columns(table))
    lines = [_row(table.columns), f"| {' | '.join(rule)} |", *map(_row, table.rows)]
    return "\n".join([f"### {_escaped(table.title)}", "", *lines, "", _escaped(table.note)]).rstrip()


def _section(section: Section) -> str:
    return "\n\n".join([f"## {_escaped(section.title)}", *map(_block, section.blocks)])


def _block(block: Block) -> str:
    match block:
        case Text():
            return "\n\n".join(map(_escaped, block.paragraphs))
        case Links():
            return "\n".join(f"- [{_escaped(name)}](<{address}>)" for name, address in block.rows)
        case Facts():
            return "\n".join(f"- {_escaped(name)}: {_escaped(text)}" for name, text in block.rows)
        case Table():
            return as_markdown(block)
        case Picture():
            alt = _escaped(block.alt).replace("[", r"\[").replace("]", r"\]")
            return f"![{alt}](<{block.name}.png>)\n\n{_escaped(block.caption)}".rstrip()
        case Code():
            return _code(block)


def _code(code: Code) -> str:
    # The fence must be longer than any row of backticks in the text, or the text could end it.
    longest = max((len(ticks) for ticks in re.findall("`+", code.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{_escaped(code.title)}:\n\n{fence}{code.language}\n{code.text}\n{fence}"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_escaped(cell).replace("|", r"\|") for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Text that says in Markdown what it says, on one line."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))
