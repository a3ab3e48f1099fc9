"""A report as one HTML file: it needs no network, no script and no other file, and prints."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from importlib.resources import files

from memjax.pages.blocks import Block, Code, Facts, Links, Picture, Report, Section, Text, numeric_columns
from memjax.pages.table import Table

__all__ = ["GENERATOR", "PICTURE_DPI", "page"]

GENERATOR = "memjax"
"""What a page names as its maker, in front of the version: a page with this name may be replaced."""

# Pictures are the PNG files of the folder, byte for byte. Measured on the four figures of l2-memorization: 350 kB as PNG
# at 200 dpi, 557 kB at 300 dpi, 270 kB as SVG; on a scatter of 5,000 points 61 kB as PNG and 543 kB as SVG. SVG saves a
# little at best and costs ninefold at worst, and a PNG can be copied out into slides. 200 dpi is twice a screen's 96 and
# good on paper; for more there is the PDF beside it.
PICTURE_DPI = 200

# Letters of the longest cell: up to the one a column is never broken, and from the other on it has the width of a line of text.
_SHORT, _LONG = 22, 32

# Nothing is loaded but what stands in the file, whatever a title or a cell may smuggle in.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(report: Report, pictures: Mapping[str, bytes]) -> str:
    """Report as a whole page.

    Parameters
    ----------
    report
        What it contains.
    pictures
        PNG file of every figure, by name.
    """
    contents = "".join(
        f'<li><a href="#section-{i}">{escape(section.title)}</a></li>'
        for i, section in enumerate(report.sections)
        if not section.folded
    )
    parts = [
        f"<header>\n<h1>{escape(report.title)}</h1>\n{_lead(report.lead)}\n"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>\n</header>\n<main>'
    ]
    parts += [_section(i, section, pictures) for i, section in enumerate(report.sections)]
    return "\n".join([_head(report.title), *parts, "</main>\n</body>\n</html>\n"])


def _section(number: int, section: Section, pictures: Mapping[str, bytes]) -> str:
    blocks = "\n".join(_block(block, pictures) for block in section.blocks)
    heading = f'<h2 id="section-{number}">{escape(section.title)}</h2>'
    if section.folded:
        heading, blocks = "", f"<details>\n<summary>{heading}</summary>\n{blocks}\n</details>"
    return f'<section aria-labelledby="section-{number}">\n{heading}\n{blocks}\n</section>'


def _head(title: str) -> str:
    style = files("memjax.pages").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="{GENERATOR} {version("memjax")}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>"
    )


def _block(block: Block, pictures: Mapping[str, bytes]) -> str:
    match block:
        case Text():
            return "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in block.paragraphs)
        case Facts():
            return _facts(block)
        case Links():
            return _links(block)
        case Table():
            return _table(block)
        case Picture():
            return _figure(block, pictures[block.name])
        case Code():
            return _code(block)


def _lead(lead: Text) -> str:
    question, *rest = lead.paragraphs
    others = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in rest)
    return f'<p class="question">{escape(question)}</p>\n{others}'


def _links(links: Links) -> str:
    rows = "".join(f'<li><a href="{escape(address)}">{escape(name)}</a></li>\n' for name, address in links.rows)
    return f"<ul>\n{rows}</ul>"


def _facts(facts: Facts) -> str:
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>\n" for name, text in facts.rows)
    return f"<dl>\n{rows}</dl>"


def _table(table: Table) -> str:
    kinds = _kinds(table)
    head = "".join(
        f'<th scope="col"{_class(kind)}>{escape(n)}</th>' for n, kind in zip(table.columns, kinds, strict=True)
    )
    rows = "".join(f"<tr>{_cells(row, kinds)}</tr>\n" for row in table.rows)
    note = f'\n<p class="note">{escape(table.note)}</p>' if table.note else ""
    # A wide table scrolls in a region of its own, which a keyboard can reach.
    return (
        f'<div class="scroll" role="region" aria-label="{escape(table.title)}" tabindex="0">\n'
        f"<table>\n<caption><span>{escape(table.title)}</span></caption>\n"
        f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>{note}"
    )


def _kinds(table: Table) -> list[str]:
    """Kind of every column: numbers, text that stays on a line, long text, or neither."""
    longest = [max(len(row[i]) for row in table.rows) if table.rows else 0 for i in range(len(table.columns))]
    return [
        "number" if numeric else "long" if length > _LONG else "short" if length <= _SHORT else ""
        for numeric, length in zip(numeric_columns(table), longest, strict=True)
    ]


def _class(*names: str) -> str:
    held = " ".join(name for name in names if name)
    return f' class="{held}"' if held else ""


def _cells(row: tuple[str, ...], kinds: list[str]) -> str:
    # A long first column would leave no room for the columns that are scrolled beside it.
    stays = "" if kinds[0] == "long" else "stays"
    first = f'<th scope="row"{_class(kinds[0], stays)}>{escape(row[0])}</th>'
    return first + "".join(
        f"<td{_class(kind)}>{escape(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True)
    )


def _figure(picture: Picture, png: bytes) -> str:
    # On the page a picture is as large as on paper; width and height keep its place while it is decoded.
    width, height = (round(pixels * 96 / PICTURE_DPI) for pixels in struct.unpack(">II", png[16:24]))
    data = base64.b64encode(png).decode("ascii")
    caption = f"<figcaption>{escape(picture.caption)}</figcaption>\n" if picture.caption else ""
    return (
        f'<figure>\n<img src="data:image/png;base64,{data}" alt="{escape(picture.alt)}" '
        f'width="{width}" height="{height}">\n{caption}</figure>'
    )


def _code(code: Code) -> str:
    text = f'<pre tabindex="0"><code>{escape(code.text)}</code></pre>'
    if code.folded:
        return f"<details>\n<summary>{escape(code.title)}</summary>\n{text}\n</details>"
    return f"<p>{escape(code.title)}:</p>\n{text}"
