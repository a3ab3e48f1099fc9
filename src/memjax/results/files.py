"""Save and read a Dataset as a NetCDF file or a zarr folder: plain arrays and text, nothing pickled."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

from memjax.checks.file_names import absolute, shown
from memjax.checks.shares import is_recorded_share, mark_share
from memjax.errors import InputError, cause
from memjax.results.schema import SCHEMA_VERSION, on_one_line

__all__ = ["open_file", "save"]

DATASET_FILE = "dataset.nc"
"""Name of the dataset in the output folder of a study or of ``memjax run``."""
# Attribute of a file that names the recorded shares, because a file keeps no encoding of ours.
_SHARES = "recorded_shares"


def save(dataset: xr.Dataset, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a Dataset to a file atomically.

    Parameters
    ----------
    dataset
        Result of `memjax.sweep`.
    path
        A name ending in ``.nc`` (NetCDF by h5netcdf) or ``.zarr`` (the extra ``memjax[zarr]``).
    overwrite
        Whether to replace a dataset of this name, by memjax or xarray. The former file stays until the new one is whole. Other
        files and folders are never replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the name has another ending, its folder does not exist, or the file exists and is not to be overwritten or holds no
        dataset.

    Examples
    --------
    >>> import tempfile
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=4, record_every=2, train_size=8)
    >>> ds = mj.sweep(spec, over={"seed": [0, 1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = mj.save(ds, f"{folder}/two-seeds.nc")
    ...     path.name, mj.open(path).equals(ds)
    ('two-seeds.nc', True)
    """
    target = absolute("path", path)
    if target.suffix not in (".nc", ".zarr"):
        raise InputError(f"Cannot save to {str(target)!r}: give a name ending in .nc or .zarr.")
    if not isinstance(overwrite, bool | np.bool_):
        raise InputError(f"overwrite is {overwrite!r}: give True or False.")
    if target.exists() or target.is_symlink():
        _require_replaceable(target, overwrite)
    if not target.parent.is_dir():
        raise InputError(f"The folder {str(target.parent)!r} does not exist: create it first.")
    if target.suffix == ".zarr":
        _require_zarr()
    with tempfile.TemporaryDirectory(prefix=".memjax-", dir=target.parent) as scratch:
        partial = Path(scratch) / target.name
        _write(dataset, partial, target)
        _put_in_place(partial, target, Path(scratch) / "former")
    return target


def _put_in_place(partial: Path, target: Path, former: Path) -> None:
    """Give the new file its name; a former folder steps aside first, because no call replaces one that is not empty."""
    if not target.is_dir():
        partial.replace(target)
        return
    target.rename(former)
    try:
        partial.rename(target)
    except OSError:
        former.rename(target)
        raise


def _require_replaceable(target: Path, overwrite: bool) -> None:
    if not overwrite:
        raise InputError(f"{str(target)!r} exists already: give another name, or overwrite=True, or remove it first.")
    if target.is_symlink():
        raise InputError(
            f"{str(target)!r} is a link, which overwrite=True does not replace: give the name of the file."
        )
    if not _is_dataset(target):
        raise InputError(f"{str(target)!r} holds no dataset, so overwrite=True does not replace it: give another name.")


def _is_dataset(target: Path) -> bool:
    """Whether a path is a file of NetCDF by HDF5, or a zarr folder, which memjax or xarray could have written."""
    if target.suffix == ".zarr":
        return target.is_dir() and any((target / name).is_file() for name in (".zgroup", "zarr.json"))
    try:
        with xr.open_dataset(target, engine="h5netcdf"):
            return True
    except Exception:
        return False


def _write(dataset: xr.Dataset, partial: Path, target: Path) -> None:
    if shares := [str(name) for name, values in dataset.data_vars.items() if is_recorded_share(values)]:
        dataset = dataset.assign_attrs({_SHARES: json.dumps(shares)})
    try:
        if target.suffix == ".nc":
            dataset.to_netcdf(partial, engine="h5netcdf", encoding=_encoding(dataset))
        else:
            dataset.to_zarr(partial, consolidated=False, zarr_format=2)
    except (ValueError, TypeError) as problem:
        raise InputError(f"The dataset cannot be saved to {str(target)!r}: {cause(problem)}") from problem


def _require_zarr() -> None:
    if importlib.util.find_spec("zarr") is None:
        raise InputError("zarr is not installed: pip install 'memjax[zarr]', or use a name ending in .nc.")


def _encoding(dataset: xr.Dataset) -> dict[str, dict[str, object]]:
    return {
        str(name): {"zlib": True, "complevel": 1, "shuffle": True}
        for name, array in dataset.data_vars.items()
        if array.ndim and array.size > 1000
    }


def _is_hdf5(source: Path) -> bool:
    """Whether a file starts as files of HDF5 do."""
    with source.open("rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def open_file(source: Path) -> xr.Dataset:
    """Read a ``.nc`` file, a ``.zarr`` folder, or the dataset in the folder of a study; raises as `memjax.open`."""
    if source.suffix != ".zarr" and source.is_dir():
        source = source / DATASET_FILE
    if not source.exists():
        raise InputError(
            f"There is no dataset at {shown(source)!r}: give a .nc file, a .zarr folder, or the folder of a study."
        )
    if source.suffix == ".zarr":
        _require_zarr()
    try:
        if source.suffix == ".zarr":
            dataset = xr.open_zarr(source, consolidated=False).load()
        else:
            dataset = xr.load_dataset(source, engine="h5netcdf")
    except Exception as problem:
        if source.is_file() and not _is_hdf5(source):
            raise InputError(
                f"{str(source)!r} cannot be read as a dataset, because it is no NetCDF file of HDF5: mj.open reads .nc files, "
                ".zarr folders, a store or a study's folder."
            ) from None
        raise InputError(f"{str(source)!r} cannot be read as a dataset: {problem}") from problem
    version = dataset.attrs.get("schema_version")
    if version is None:
        raise InputError(f"{str(source)!r} was not written by memjax: it has no schema_version.")
    if not isinstance(version, int | np.integer) or version != SCHEMA_VERSION:
        raise InputError(
            f"{str(source)!r} has memjax schema {version}, this memjax reads schema {SCHEMA_VERSION}: use the version "
            "named in its attribute 'versions'."
        )
    if "experiment" in dataset.attrs:
        dataset.attrs["experiment"] = on_one_line(dataset.attrs["experiment"])
    for name in json.loads(dataset.attrs.pop(_SHARES, "[]")):
        mark_share(dataset[name])
    return dataset
