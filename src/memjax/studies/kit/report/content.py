"""What a report contains, said once: question, answer, figures, tables and settings, for every format to write out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memjax.studies.kit.claims import answer
from memjax.studies.kit.table import Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from memjax.studies.kit.study import Findings, Study

__all__ = [
    "Block",
    "Code",
    "Facts",
    "Links",
    "Picture",
    "Report",
    "Section",
    "Text",
    "alt_text",
    "describe",
    "numeric_columns",
]

_MOST_LABELS = 40
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
    runs = ((f"Runs of {name}" if len(datasets) > 1 else "Runs", _runs(data)) for name, data in datasets.items())
    sections = (
        Section("Answer", (*said, *pictures[:1])),
        Section("Numbers", tuple(tables.values())),
        Section("Further figures", pictures[1:]),
        Section("Published as", (Text((f"{study.source}.",)), *papers)),
        Section("Runs", (Facts((("Study", study.name), ("Scale", scale), ("Seeds", str(seeds)), *runs)),)),
        *(_origin(name, dataset, len(datasets) > 1) for name, dataset in datasets.items()),
        Section("Make it again", (command,)),
    )
    setting = f"Setting ({scale} scale, {seeds} {'seed' if seeds == 1 else 'seeds'}): {study.scales[scale]}."
    return Report(
        study.title, Text((study.question, setting)), tuple(section for section in sections if section.blocks)
    )


def numeric_columns(table: Table) -> tuple[bool, ...]:
    """Whether every cell of a column is a number, so that it is aligned as one.

    Examples
    --------
    >>> numeric_columns(Table("", ("size", "gap", "claim"), (("50", "9.1 [8.9, 9.3]", "about 40"), ("100", "nan", "3"))))
    (True, True, False)
    """
    columns = ([row[i] for row in table.rows] for i in range(len(table.columns)))
    return tuple(any(cells) and all(_NUMERIC_CELL.fullmatch(cell) for cell in cells) for cells in columns)


def _runs(dataset: xr.Dataset) -> str:
    """How many runs there are, what became of them, and why those that diverged did."""
    labels = Counter(dataset["status"].values.ravel().tolist())
    reasons = Counter(reason for reason in dataset["stop_reason"].values.ravel().tolist() if reason)
    total = f"{dataset['status'].size}, of which " + ", ".join(f"{labels[label]} {label}" for label in sorted(labels))
    return total + "".join(f"; {reason} in {count}" for reason, count in sorted(reasons.items()))


def _origin(name: str, dataset: xr.Dataset, several: bool) -> Section:
    """Settings and provenance of one sweep, from the attributes it is stored with."""
    attrs, of = dataset.attrs, f" of {name}" if several else ""
    experiment = json.loads(attrs["experiment"])
    settings = tuple((field, _shown(value)) for field, value in experiment.items())
    note = "What an axis sweeps takes the place of the value given here."
    axes = tuple((axis, str(len(labels)), _listed(labels)) for axis, labels in json.loads(attrs["axes"]).items())
    blocks = (
        Table("Axes", ("axis", "values", "which"), axes),
        Table("Experiment", ("field", "value"), settings, note),
        Code("The experiment as JSON", "json", json.dumps(experiment, indent=1), folded=True),
        _provenance(attrs),
    )
    return Section(f"Settings and provenance{of}", blocks, folded=True)


def _provenance(attrs: Mapping[str, Any]) -> Facts:
    packing = json.loads(attrs["packing"])
    shapes = packing.pop("shapes", [])
    versions = json.loads(attrs["versions"])
    return Facts(
        (
            ("Created", str(attrs["created"])),
            ("Versions", ", ".join(f"{package} {version}" for package, version in versions.items())),
            ("Device and packing", _pairs(packing)),
            *(("Shape of a block", _pairs(shape)) for shape in shapes),
        )
    )


def _pairs(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in settings.items())


def _listed(labels: Sequence[Any]) -> str:
    """All labels, or the ends of a long row of them: the dataset itself has the rest."""
    if len(labels) <= _MOST_LABELS:
        return ", ".join(map(_shown, labels))
    return ", ".join([*map(_shown, labels[:3]), "...", *map(_shown, labels[-2:])])


def _shown(value: Any) -> str:
    """A setting as it would be written in Python: ``optimizers.adam(learning_rate=0.001, ...)``."""
    if isinstance(value, Mapping) and "reference" in value:
        return str(value["reference"])
    if isinstance(value, Mapping):
        fields = ", ".join(f"{name}={_shown(item)}" for name, item in value.items() if name != "type")
        return f"{value['type']}({fields})" if "type" in value else f"{{{fields}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value)


def alt_text(figure: Figure) -> str:
    """What a figure shows, from its own labels, for those who cannot see it."""
    panels = [text for text in map(_alt_of_axes, figure.axes) if text]
    shared = [text for text in (figure.get_supylabel(), figure.get_supxlabel()) if text]
    return "; ".join(panels + ([" against ".join(shared)] if shared else [])) or "a figure without labels"


def _alt_of_axes(ax: Axes) -> str:
    title, across, up = ax.get_title(), ax.get_xlabel(), ax.get_ylabel()
    shown = f"{up or title} against {across}" if across else f"key to {up}" if up else title
    return f"{title}: {shown}" if title and up and across else shown
