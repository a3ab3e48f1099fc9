"""What the report of a study contains: question, answer, figures, tables, papers and settings, in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from memjax.pages.blocks import Code, Facts, Links, Picture, Report, Section, Text
from memjax.pages.table import Table
from memjax.results.settings import runs_text, settings_section
from memjax.studies.kit.claims import answer

if TYPE_CHECKING:
    import xarray as xr

    from memjax.studies.kit.study import Findings, Study

__all__ = ["describe"]


def describe(
    study: Study,
    scale: str,
    seeds: int,
    datasets: Mapping[str, xr.Dataset],
    findings: Findings,
    tables: Mapping[str, Table],
    alts: Sequence[str],
    command: Code,
) -> Report:
    """What the report of a study contains, in its order.

    Parameters
    ----------
    study, scale, seeds
        What was run.
    datasets
        Result of every sweep of the study, by its name.
    findings
        What the study made of them.
    tables
        All tables, that of the claims first.
    alts
        What each figure of the findings shows, for those who cannot see it.
    command
        What makes the same again.
    """
    figures = zip(findings.figures.items(), alts, strict=True)
    pictures = tuple(Picture(name, alt, figure.caption) for (name, figure), alt in figures)
    said = (Text(answer(findings.claims)),) if findings.claims else ()
    papers = (Links(tuple(study.papers.items())),) if study.papers else ()
    runs = ((f"Runs of {name}" if len(datasets) > 1 else "Runs", runs_text(data)) for name, data in datasets.items())
    sections = (
        Section("Answer", (*said, *pictures[:1])),
        Section("Numbers", tuple(tables.values())),
        Section("Further figures", pictures[1:]),
        Section("Published as", (Text((f"{study.source}.",)), *papers)),
        Section("Runs", (Facts((("Study", study.name), ("Scale", scale), ("Seeds", str(seeds)), *runs)),)),
        *(settings_section(dataset, f" of {name}" if len(datasets) > 1 else "") for name, dataset in datasets.items()),
        Section("Make it again", (command,)),
    )
    setting = f"Setting ({scale} scale, {seeds} {'seed' if seeds == 1 else 'seeds'}): {study.scales[scale]}."
    return Report(
        study.title, Text((study.question, setting)), tuple(section for section in sections if section.blocks)
    )
