"""What a dataset says of its sweep, as blocks of a page: axes, settings, what became of the runs, and provenance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from memjax.experiment.source import source
from memjax.experiment.written_out import changed_fields, default_fields
from memjax.pages.blocks import Block, Code, Facts, Section
from memjax.pages.table import Table

__all__ = ["listed_labels", "runs_text", "settings_section"]

_MOST_LABELS = 40
_SWEPT = "An axis of the sweep takes the place of the value given here."


def runs_text(dataset: xr.Dataset) -> str:
    """How many runs there are, what became of them, and why those that diverged or stopped did."""
    labels = Counter(dataset["status"].values.ravel().tolist())
    reasons = Counter(reason for reason in dataset["stop_reason"].values.ravel().tolist() if reason)
    total = f"{dataset['status'].size}, of which " + ", ".join(f"{labels[label]} {label}" for label in sorted(labels))
    return total + "".join(f"; {reason} in {count}" for reason, count in sorted(reasons.items()))


def settings_section(dataset: xr.Dataset, of: str = "") -> Section:
    """Settings and provenance of one sweep, from the attributes that it is stored with.

    The table of the settings has those first that are not at their defaults; ``of`` ends the title.
    """
    attrs = dataset.attrs
    fields = json.loads(attrs["experiment"])
    axes = tuple((axis, str(len(labels)), listed_labels(labels)) for axis, labels in json.loads(attrs["axes"]).items())
    blocks: tuple[Block, ...] = (
        Table("Axes", ("axis", "values", "which"), axes),
        *_settings(fields),
        Code("The experiment as JSON", "json", json.dumps(fields, indent=1), folded=True),
        _provenance(attrs),
    )
    return Section(f"Settings and provenance{of}", blocks, folded=True)


def _settings(fields: Mapping[str, Any]) -> tuple[Table, ...]:
    """Fields that were chosen, and fields at their defaults."""
    chosen = changed_fields(fields)
    defaults = {name: value for name, value in {**default_fields(), **fields}.items() if name not in chosen}
    return tuple(
        Table(title, ("field", "value"), tuple((name, source(value)) for name, value in part.items()), note)
        for title, part, note in (("Chosen settings", chosen, _SWEPT), ("Settings at their defaults", defaults, ""))
        if part
    )


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
    return ", ".join(f"{name} {_plain(value)}" for name, value in settings.items())


def listed_labels(labels: Sequence[Any]) -> str:
    """All labels, or the ends of a long row of them: the dataset itself has the rest."""
    if len(labels) <= _MOST_LABELS:
        return ", ".join(map(_plain, labels))
    return ", ".join([*map(_plain, labels[:3]), "...", *map(_plain, labels[-2:])])


def _plain(value: Any) -> str:
    return f"[{', '.join(map(_plain, value))}]" if isinstance(value, list | tuple) else str(value)
