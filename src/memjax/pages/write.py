"""The report of a study: one description of what it contains, written as Markdown and as one HTML file."""

from __future__ import annotations

from pathlib import Path

from memjax.pages.blocks import Picture, Report
from memjax.pages.html import page
from memjax.pages.markdown import markdown

__all__ = ["write_report"]


def write_report(folder: Path, report: Report) -> None:
    """Write ``report.md`` and ``report.html`` beside the figures, which the second holds as they are in the folder."""
    blocks = (block for section in report.sections for block in section.blocks)
    names = [block.name for block in blocks if isinstance(block, Picture)]
    pictures = {name: (folder / f"{name}.png").read_bytes() for name in names}
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    (folder / "report.html").write_text(page(report, pictures), encoding="utf-8")
