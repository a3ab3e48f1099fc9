"""Run a study: sweep, save, analyse, and leave figures, tables and a report."""

from __future__ import annotations

import csv
import importlib
import os
import pkgutil
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import memjax.studies
from memjax.checks.file_names import absolute
from memjax.errors import InputError, listing
from memjax.jax_settings import x64_enabled
from memjax.results.files import DATASET_FILE, save
from memjax.studies._content import Code, describe
from memjax.studies._html import PICTURE_DPI
from memjax.studies.report import write_report
from memjax.studies.study import Findings, Study, Sweep
from memjax.sweep import sweep

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["find", "names", "new_folder", "run", "save_folder"]

_PARTS = ("study", "report", "run")


def _modules() -> dict[str, str]:
    """Module of every study by its name on the command line: a study is a file here that defines ``STUDY``."""
    found = (module.name for module in pkgutil.iter_modules(memjax.studies.__path__))
    return {name.replace("_", "-"): name for name in found if name not in _PARTS and not name.startswith("_")}


def names() -> list[str]:
    """Names of all studies.

    Examples
    --------
    >>> names()
    ['data-dimensionality', 'early-training', 'edge-of-stability', 'grok-time', 'grokking-predictors', 'l2-capacity',
     'l2-memorization', 'l2-test-loss', 'memory-1', 'memory-2', 'modular-fourier', 'omnigrok', 'slingshot', 'sparse-parity',
     'toy-double-descent', 'ungrokking']
    """
    return sorted(_modules())


def find(name: str) -> Study:
    """Study of a name.

    Raises
    ------
    InputError
        If there is none; the message lists them.
    """
    modules = _modules()
    if name not in modules:
        raise InputError(f"There is no study {name!r}: use {listing(names())}.")
    study: Study = importlib.import_module(f"memjax.studies.{modules[name]}").STUDY
    return study


def run(
    study: Study,
    out: str | os.PathLike[str],
    *,
    scale: str | None = None,
    seeds: int | None = None,
    store: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> tuple[Path, Findings]:
    """Run a study and leave its folder: the datasets first, then figures, tables, ``report.md`` and ``report.html``.

    Parameters
    ----------
    study
        From `find`.
    out
        Folder to make; must not exist.
    scale
        One of the study's scales; None is the first.
    seeds
        Number of seeds, from 0 up; None is the scale's own.
    store
        Folder with a store for every sweep of the study, from which the same call goes on; None keeps nothing.
    progress
        Whether to show bars, as in `memjax.sweep`.

    Returns
    -------
    tuple
        The folder, and what the study found.

    Raises
    ------
    InputError
        If the folder exists, the scale is unknown, or the number of seeds is not positive.
    """
    scale = next(iter(study.scales)) if scale is None else scale
    if scale not in study.scales:
        raise InputError(f"The study {study.name!r} has no scale {scale!r}: use {listing(study.scales)}.")
    seeds = study.seeds[scale] if seeds is None else seeds
    if seeds < 1:
        raise InputError(f"seeds is {seeds}: give at least 1.")
    target, store = new_folder(out), None if store is None else absolute("store", store)
    datasets = _train(study.sweeps(scale, seeds), store, progress)
    datasets |= _train(study.further(scale, datasets), store, progress)
    for dataset in datasets.values():
        dataset.attrs |= {"study": study.name, "scale": scale, "title": study.title}
    save_folder(target, datasets)
    findings = study.analyse(datasets)
    _write_findings(target, findings)
    write_report(target, describe(study, scale, seeds, datasets, findings, _command(study, scale, seeds)))
    return target, findings


def _train(sweeps: Mapping[str, Sweep], store: Path | None, progress: bool | None) -> dict[str, xr.Dataset]:
    stores = {name: None if store is None else store / name for name in sweeps}
    return {
        name: sweep(part.experiment, part.over, store=stores[name], progress=progress) for name, part in sweeps.items()
    }


def new_folder(out: str | os.PathLike[str]) -> Path:
    """Path of a folder that can be made; raises `InputError` if it exists already or cannot be made."""
    target = absolute("out", out)
    if target.exists():
        raise InputError(f"The folder {str(out)!r} exists already: give another one, or remove it first.")
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


def _write_findings(folder: Path, findings: Findings) -> None:
    for name, figure in findings.figures.items():
        for ending in ("png", "pdf"):
            figure.savefig(folder / f"{name}.{ending}", dpi=PICTURE_DPI, bbox_inches="tight")
    for name, dataset in findings.datasets.items():
        save(dataset, folder / f"{name}.nc")
    for name, table in findings.tables.items():
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([table.columns, *table.rows])


def _command(study: Study, scale: str, seeds: int) -> Code:
    """What makes the same study again, in a folder of its own; for a study that is not built in, a call."""
    out = f"{study.name}-{scale}-again"
    if study.name in names() and find(study.name) == study:
        settings = "JAX_ENABLE_X64=1 " if x64_enabled() else ""
        words = ["memjax", "study", study.name, "--scale", scale, "--seeds", str(seeds), "--out", out]
        return Code("On the command line", "sh", settings + shlex.join(words))
    call = f"memjax.studies.run(study, {out!r}, scale={scale!r}, seeds={seeds})"
    return Code("In Python, where study is the one named above", "python", call)
