"""Pages as files: a report as Markdown and as one HTML file, and which files may be replaced."""

from __future__ import annotations

from pathlib import Path

from memjax.errors import InputError
from memjax.pages.blocks import Picture, Report
from memjax.pages.html import GENERATOR, page
from memjax.pages.markdown import markdown

__all__ = ["is_ours", "write_page", "write_report"]


def write_report(folder: Path, report: Report) -> None:
    """Write ``report.md`` and ``report.html`` beside the figures, which the second holds as they are in the folder."""
    blocks = (block for section in report.sections for block in section.blocks)
    names = [block.name for block in blocks if isinstance(block, Picture)]
    pictures = {name: (folder / f"{name}.png").read_bytes() for name in names}
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    (folder / "report.html").write_text(page(report, pictures), encoding="utf-8")


def is_ours(file: Path) -> bool:
    """Whether a file is a page that memjax wrote."""
    with open(file, encoding="utf-8", errors="replace") as opened:
        return f'name="generator" content="{GENERATOR} ' in opened.read(2000)


def write_page(target: Path, text: str) -> None:
    """Write a page, in place of one that memjax wrote before, in a folder that is made if there is none.

    Raises
    ------
    InputError
        If a page of other origin has the name, or the folder cannot be written to.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not is_ours(target):
            raise InputError(
                f"{str(target)!r} exists and was not written by memjax: choose another folder, or move it away."
            )
        target.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{str(target)!r} cannot be written ({problem.strerror}): choose another folder.") from None
