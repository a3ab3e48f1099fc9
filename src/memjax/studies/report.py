"""The report of a study: settings, tables, figures and provenance as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from memjax.studies.study import Findings, Study, Table

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


def as_markdown(table: Table) -> str:
    """Table as Markdown."""
    head = [table.columns, tuple("---" for _ in table.columns)]
    lines = [f"| {' | '.join(row)} |" for row in [*head, *table.rows]]
    return "\n".join([f"### {table.title}", "", *lines, "", table.note]).rstrip()


def write_report(path: Path, study: Study, scale: str, datasets: Mapping[str, xr.Dataset], findings: Findings) -> None:
    """Write the report of a study to a Markdown file beside its figures."""
    parts = [
        f"# {study.title}",
        f"Study `{study.name}` at scale `{scale}` ({study.scales[scale]}). Published as: {study.source}.",
        *(as_markdown(table) for table in findings.tables.values()),
        *(f"![{name}]({name}.png)\n\n{findings.captions.get(name, '')}".rstrip() for name in findings.figures),
        "## Settings and provenance",
        *(_provenance(name, dataset) for name, dataset in datasets.items()),
    ]
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _provenance(name: str, dataset: xr.Dataset) -> str:
    attrs = dataset.attrs
    versions = ", ".join(f"{package} {version}" for package, version in json.loads(attrs["versions"]).items())
    axes = "\n".join(f"- `{axis}`: {', '.join(map(str, labels))}" for axis, labels in json.loads(attrs["axes"]).items())
    return "\n\n".join(
        [
            f"**{name}**, made {attrs['created']} with {versions}.",
            f"Axes:\n\n{axes}",
            f"Packing: `{attrs['packing']}`",
            f"Experiment:\n\n```json\n{attrs['experiment']}\n```",
        ]
    )
