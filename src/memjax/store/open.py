"""`memjax.open`: open a saved file or a store."""

from __future__ import annotations

import os

import xarray as xr

from memjax.checks.file_names import absolute
from memjax.results.files import open_file
from memjax.store.folder import is_store
from memjax.store.read import open_store

__all__ = ["open_dataset"]


def open_dataset(path: str | os.PathLike[str]) -> xr.Dataset:
    """Open a saved Dataset (from `save`, a study or ``memjax run``) or a store.

    A store can be opened at any time, also during training; ``status`` marks runs that are not finished.

    Returns
    -------
    xr.Dataset
        The Dataset, in memory; all files are closed.

    Raises
    ------
    InputError
        If the file does not exist, cannot be read, or is not a memjax dataset of a known schema; if a part of a store is
        damaged.

    Examples
    --------
    >>> import tempfile
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=4, record_every=2, train_size=8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ds = mj.sweep(spec, over={"seed": [0, 1]}, store=f"{folder}/store")
    ...     mj.open(f"{folder}/store").train_loss.equals(ds.train_loss)
    True
    """
    source = absolute("path", path)
    return open_store(source) if is_store(source) else open_file(source)
