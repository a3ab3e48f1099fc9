"""The stage between training and tables: what needs weights is computed part by part, and each part is saved at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from memjax.content import same, try_content
from memjax.results.files import open_file, save
from memjax.results.schema import SCHEMA_VERSION
from memjax.studies.kit.study import Measured

if TYPE_CHECKING:
    from memjax.studies.kit.study import Study

__all__ = ["measure_all"]

_FROM, _BY = "measured_from", "measured_by"


def measure_all(study: Study, scale: str, datasets: Mapping[str, xr.Dataset], keep: Path) -> dict[str, xr.Dataset]:
    """Everything that a study measures on its networks, going on from what a folder has.

    Parameters
    ----------
    study, scale
        What is measured, and at which scale.
    datasets
        Datasets of the sweeps, with their snapshots.
    keep
        Folder of the parts; each part is a file that is written whole or not at all. A part that was measured on other
        networks is measured again.

    Returns
    -------
    dict
        Datasets by the names that the study gives them.
    """
    wanted = study.measured(scale)
    if wanted:
        keep.mkdir(parents=True, exist_ok=True)
    return {name: _measure(name, what, datasets[what.of], keep) for name, what in wanted.items()}


def _measure(name: str, what: Measured, dataset: xr.Dataset, keep: Path) -> xr.Dataset:
    whole = keep / f"{name}.nc"
    found = _kept(whole, what, dataset)
    if found is not None:
        return found
    if what.by is None:
        return _made(whole, what, dataset, what.compute(dataset))
    parts = _parts(name, what, what.by, dataset, keep)
    read = [_part(path, what, part) for path, part in parts.items()]
    options = {"data_vars": "minimal", "coords": "minimal", "compat": "override", "combine_attrs": "override"}
    joined = _made(whole, what, dataset, xr.concat(read, what.by, **options))  # type: ignore[call-overload]
    for path in parts:
        path.unlink()
    return joined


def _parts(name: str, what: Measured, by: str, dataset: xr.Dataset, keep: Path) -> dict[Path, xr.Dataset]:
    return {keep / f"{name}.{by}-{i}.nc": dataset.isel({by: [i]}) for i in range(dataset.sizes[by])}


def _part(path: Path, what: Measured, dataset: xr.Dataset) -> xr.Dataset:
    found = _kept(path, what, dataset)
    return _made(path, what, dataset, what.compute(dataset)) if found is None else found


def _kept(path: Path, what: Measured, dataset: xr.Dataset) -> xr.Dataset | None:
    """What a file has, if the same function measured it on the same networks."""
    if not path.exists():
        return None
    found = open_file(path)
    by = found.attrs.get(_BY, "")
    if found.attrs.get(_FROM) == _digest(dataset) and (by == _said(what) or same(_said(what), by) is None):
        return found
    path.unlink()
    return None


def _made(path: Path, what: Measured, dataset: xr.Dataset, made: xr.Dataset) -> xr.Dataset:
    # Numbers that keep the attributes of their sweep must not be taken for the sweep when the folder is read again.
    kept = {name: value for name, value in made.attrs.items() if name != "sweep"}
    made.attrs = kept | {"schema_version": SCHEMA_VERSION, _FROM: _digest(dataset), _BY: _said(what)}
    save(made, path)
    # What is read back is what a run that goes on would see, to the last type.
    return open_file(path)


def _said(what: Measured) -> str:
    """Content of the function that measures; a function that cannot be read is taken for the same one."""
    return try_content(what.compute) or ""


def _digest(dataset: xr.Dataset) -> str:
    """What a part was measured on: the request of the sweep, its runs, and their losses, or all records if there are none."""
    said = [str(dataset.attrs.get(name, "")) for name in ("experiment", "axes")]
    digest = hashlib.sha256("\n".join(said).encode())
    for name in sorted(str(dim) for dim in dataset.dims if dim in dataset.coords):
        digest.update(str(dataset[name].values.tolist()).encode())
    names = sorted(map(str, dataset.data_vars))
    losses = [name for name in names if name.endswith("_loss")]
    for name in losses or [name for name in names if "step" in dataset[name].dims]:
        digest.update(dataset[name].values.tobytes())
    return digest.hexdigest()
