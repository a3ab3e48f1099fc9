"""Run a study: train, save, measure, analyse, and leave claims, tables, figures and a report; or make these again."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memjax.checks.file_names import absolute
from memjax.errors import InputError, listing
from memjax.jax_settings import x64_enabled
from memjax.pages.blocks import Code
from memjax.pages.write import write_report
from memjax.studies.kit.find import find, names
from memjax.studies.kit.folder import (
    new_folder,
    read_folder,
    save_folder,
    write_claims,
    write_findings,
    write_tables,
)
from memjax.studies.kit.measured import measure_all
from memjax.studies.kit.report import describe
from memjax.studies.kit.study import Findings, Study, Sweep
from memjax.sweep import sweep

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["again", "run"]


def run(
    study: Study,
    out: str | os.PathLike[str],
    *,
    scale: str | None = None,
    seeds: int | None = None,
    store: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> tuple[Path, Findings]:
    """Run a study and leave its folder: datasets first, then what is measured, then claims, tables, figures and a report.

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
        Folder with a store for every sweep of the study, and with what was measured, from which the same call goes on; None
        keeps nothing there.
    progress
        Whether to show the runs done and the time left of every sweep, as in `memjax.sweep`.

    Returns
    -------
    tuple
        The folder, and what the study found.

    Raises
    ------
    InputError
        If the folder exists, the scale is unknown, or the number of seeds is not positive.

    Examples
    --------
    >>> import tempfile
    >>> from memjax import Experiment
    >>> from memjax.studies import Findings, Study, Sweep, Table, run
    >>> spec = Experiment(steps=4, record_every=2, train_size=8)
    >>> study = Study(
    ...     name="eight-examples",
    ...     title="Four steps on eight examples",
    ...     question="How many runs are there?",
    ...     source="nowhere",
    ...     scales={"quick": "a few seeds"},
    ...     seeds={"quick": 2},
    ...     sweeps=lambda scale, seeds: {"dataset": Sweep(spec, {"seed": range(seeds)})},
    ...     analyse=lambda ds: Findings(tables={"runs": Table("Runs", ("runs",), ((str(ds["dataset"].sizes["seed"]),),))}),
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made, findings = run(study, f"{folder}/mine", seeds=3)
    ...     (made / "dataset.nc").exists(), (made / "report.html").exists(), findings.tables["runs"].rows
    (True, True, (('3',),))
    """
    scale = next(iter(study.scales)) if scale is None else scale
    if scale not in study.scales:
        raise InputError(f"The study {study.name!r} has no scale {scale!r}: use {listing(study.scales)}.")
    seeds = study.seeds[scale] if seeds is None else seeds
    if seeds < 1:
        raise InputError(f"seeds is {seeds}: give at least 1.")
    target, store = new_folder(out), None if store is None else absolute("store", store)
    datasets = _train(study.sweeps(scale, seeds), store, progress)
    while new := {name: part for name, part in study.further(scale, datasets).items() if name not in datasets}:
        datasets |= _train(new, store, progress)
    for order, (name, dataset) in enumerate(datasets.items()):
        dataset.attrs |= {"study": study.name, "scale": scale, "title": study.title, "seeds": seeds}
        dataset.attrs |= {"sweep": name, "order": order}
    if store is None:
        save_folder(target, datasets)
        measured = measure_all(study, scale, datasets, target)
    else:
        # Measured before the folder is made, so that the same command goes on after a stop.
        measured = measure_all(study, scale, datasets, store / "measured")
        save_folder(target, datasets | measured)
    return target, _analyse(study, target, datasets, measured)


def again(folder: str | os.PathLike[str], *, study: Study | None = None) -> tuple[Path, Findings]:
    """Make claims, tables, figures and report again from the datasets in a study's folder, without training.

    What was measured is read; what is missing of it is measured on the saved snapshots. Files of the same names are replaced.

    Parameters
    ----------
    folder
        Folder that a study has made.
    study
        The study; by default the built-in one that the folder names.

    Returns
    -------
    tuple
        The folder, and what the study found.

    Raises
    ------
    InputError
        If the folder holds no datasets of a study, those of another one, or not all of them.

    Examples
    --------
    >>> import dataclasses, tempfile
    >>> from memjax import Experiment
    >>> from memjax.studies import Findings, Study, Sweep, again, run
    >>> spec = Experiment(steps=4, record_every=2, train_size=8)
    >>> study = Study(
    ...     name="eight-examples",
    ...     title="Four steps on eight examples",
    ...     question="How many runs are there?",
    ...     source="nowhere",
    ...     scales={"quick": "two seeds"},
    ...     seeds={"quick": 2},
    ...     sweeps=lambda scale, seeds: {"dataset": Sweep(spec, {"seed": range(seeds)})},
    ...     analyse=lambda datasets: Findings(note="Not counted yet."),
    ... )
    >>> counted = dataclasses.replace(study, analyse=lambda ds: Findings(note=f"{ds['dataset'].sizes['seed']} runs."))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made, findings = run(study, f"{folder}/mine")
    ...     again(made, study=counted)[1].note
    '2 runs.'
    """
    datasets = read_folder(folder)
    about = next(iter(datasets.values())).attrs
    study = find(about["study"]) if study is None else study
    if study.name != about["study"]:
        raise InputError(f"The folder {str(folder)!r} is of the study {about['study']!r}, not of {study.name!r}.")
    lost = [name for name in study.sweeps(about["scale"], int(about["seeds"])) if name not in datasets]
    if lost:
        raise InputError(f"The folder {str(folder)!r} lacks the dataset {lost[0]!r}: put {lost[0]}.nc back into it.")
    target = absolute("folder", folder)
    measured = measure_all(study, about["scale"], datasets, target)
    return target, _analyse(study, target, datasets, measured)


def _train(sweeps: Mapping[str, Sweep], store: Path | None, progress: bool | None) -> dict[str, xr.Dataset]:
    stores = {name: None if store is None else store / name for name in sweeps}
    return {
        name: sweep(part.experiment, part.over, store=stores[name], progress=progress) for name, part in sweeps.items()
    }


def _analyse(
    study: Study, target: Path, datasets: Mapping[str, xr.Dataset], measured: Mapping[str, xr.Dataset]
) -> Findings:
    """What can be made again: numbers in, files out; the texts are written before anything is drawn."""
    about: dict[str, Any] = next(iter(datasets.values())).attrs
    scale, seeds = str(about["scale"]), int(about["seeds"])
    numbers = {name: dataset.drop_vars("parameters", errors="ignore") for name, dataset in datasets.items()}
    findings = study.analyse(numbers | dict(measured))
    tables = findings.all_tables
    write_tables(target, tables)
    write_claims(target, study, findings, tables, {"scale": scale, "seeds": seeds, **_made_with(about)})
    alts = write_findings(target, findings)
    report = describe(study, scale, seeds, datasets, findings, tables, alts, _command(study, scale, seeds))
    write_report(target, report)
    return findings


def _made_with(attrs: Mapping[str, Any]) -> Mapping[str, Any]:
    packing = json.loads(attrs["packing"])
    return {
        "created": attrs["created"],
        "versions": json.loads(attrs["versions"]),
        "device": packing.get("device_kind", packing.get("device", "")),
    }


def _command(study: Study, scale: str, seeds: int) -> Code:
    """What makes the same study again, in a folder of its own; for a study that is not built in, a call."""
    out = f"{study.name}-{scale}-again"
    if study.name in names() and find(study.name) == study:
        settings = "JAX_ENABLE_X64=1 " if x64_enabled() else ""
        words = ["memjax", "study", study.name, "--scale", scale, "--seeds", str(seeds), "--out", out]
        return Code("On the command line", "sh", settings + shlex.join(words))
    call = f"memjax.studies.run(study, {out!r}, scale={scale!r}, seeds={seeds})"
    return Code("In Python, where study is the one named above", "python", call)
