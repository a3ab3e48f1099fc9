"""The folder of a study: made whole or not at all, and read again."""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memjax.checks.file_names import absolute
from memjax.errors import InputError
from memjax.pages.html import PICTURE_DPI
from memjax.results.files import DATASET_FILE, open_file, save
from memjax.results.schema import SCHEMA_VERSION
from memjax.studies.kit.claims import answer, as_data

if TYPE_CHECKING:
    import xarray as xr

    from memjax.pages.table import Table
    from memjax.studies.kit.study import Findings, Study

__all__ = ["CLAIMS_FILE", "new_folder", "read_folder", "save_folder", "write_claims", "write_findings", "write_tables"]

CLAIMS_FILE = "claims.json"

# A part of what was measured, such as "logits.seed-0"; a sweep may have a number in its name, such as "n50_s0.9".
_PART = re.compile(r"\.\w+-\d+$")


def new_folder(out: str | os.PathLike[str]) -> Path:
    """Path of a folder that can be made; raises `InputError` if it exists already or cannot be made."""
    target = absolute("out", out)
    if target.exists():
        hint = ""
        if (target / DATASET_FILE).exists():
            hint = " To make its tables and figures again without training, give it as --again."
        raise InputError(f"The folder {str(out)!r} exists already: give another one, or remove it first.{hint}")
    # Only looked at here, and made when there is something to put in it.
    there = next(folder for folder in target.parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError(
            f"The folder {str(out)!r} cannot be made, for {str(there)!r} cannot be written to: choose another."
        )
    return target


def save_folder(target: Path, datasets: Mapping[str, xr.Dataset]) -> None:
    """Make a folder with the first dataset as ``dataset.nc`` and the others by name, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for i, (name, dataset) in enumerate(datasets.items()):
            save(dataset, folder / (DATASET_FILE if i == 0 else f"{name}.nc"))
        folder.rename(target)
    except OSError as problem:
        # What was trained must not be lost to a folder that came in between, or to a full disk.
        raise InputError(
            f"{str(target)!r} could not be made ({problem.strerror}); what was written so far is in {str(folder)!r}."
        ) from problem
    target.chmod(0o755)


def read_folder(folder: str | os.PathLike[str]) -> dict[str, xr.Dataset]:
    """Datasets of the sweeps in a study's folder by their names, that of ``dataset.nc`` first.

    Raises
    ------
    InputError
        If there is no folder, or no dataset of a study in it.
    """
    source = absolute("folder", folder)
    if not (source / DATASET_FILE).exists():
        raise InputError(f"The folder {str(folder)!r} has no {DATASET_FILE}: give the folder that a study has made.")
    others = sorted(path for path in source.glob("*.nc") if path.name != DATASET_FILE and not _PART.search(path.stem))
    read = [open_file(source / DATASET_FILE), *map(open_file, others)]
    if not {"study", "sweep", "scale", "seeds", "order"} <= set(read[0].attrs):
        raise InputError(
            f"{str(source / DATASET_FILE)!r} is not the dataset of a study: give the folder that a study has made."
        )
    first, *rest = read
    # What was measured on a sweep, or computed from it, has the attributes of the sweep and another name.
    named = [dataset for path, dataset in zip(others, rest, strict=True) if dataset.attrs.get("sweep") == path.stem]
    in_order = sorted((first, *named), key=lambda dataset: int(dataset.attrs["order"]))
    return {dataset.attrs["sweep"]: dataset for dataset in in_order}


def write_tables(folder: Path, tables: Mapping[str, Table]) -> None:
    """Write every table as a CSV file."""
    for name, table in tables.items():
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([table.columns, *table.rows])


def write_claims(
    folder: Path, study: Study, findings: Findings, tables: Mapping[str, Table], about: Mapping[str, object]
) -> None:
    """Write ``claims.json``: every claim with the numbers behind it, all tables, and what they were measured with."""
    found = {
        "study": study.name,
        "title": study.title,
        "question": study.question,
        **about,
        "answer": list(answer(findings.claims)),
        "claims": [as_data(claim) for claim in findings.claims],
        "tables": {
            name: {"title": table.title, "rows": [table.columns, *table.rows]} for name, table in tables.items()
        },
    }
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / CLAIMS_FILE).write_text(text + "\n", encoding="utf-8")


def write_findings(folder: Path, findings: Findings) -> Sequence[str]:
    """Write the datasets of findings and draw the figures, as PNG and PDF; returns what each figure shows, by its labels."""
    from matplotlib import pyplot

    from memjax.pages.alternative import alt_text

    for name, dataset in findings.datasets.items():
        # Numbers that keep the attributes of their sweep must not be taken for the sweep when the folder is read again.
        numbers = dataset.assign_attrs(schema_version=SCHEMA_VERSION)
        numbers.attrs.pop("sweep", None)
        (folder / f"{name}.nc").unlink(missing_ok=True)
        save(numbers, folder / f"{name}.nc")
    shown = []
    for name, figure in findings.figures.items():
        drawn = figure.draw()
        for ending in ("png", "pdf"):
            drawn.savefig(folder / f"{name}.{ending}", dpi=PICTURE_DPI, bbox_inches="tight")
        shown.append(alt_text(drawn))
        # The file is the figure: a notebook that runs a study would show all of them at the end of its cell.
        pyplot.close(drawn)
    return shown
