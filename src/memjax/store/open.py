"""`memjax.open`: a saved file or a store, whichever lies at a path."""

from __future__ import annotations

import os

import xarray as xr

from memjax.checks.file_names import absolute
from memjax.results.files import open_file
from memjax.store.folder import is_store
from memjax.store.read import open_store

__all__ = ["open_dataset"]


def open_dataset(path: str | os.PathLike[str]) -> xr.Dataset:
    """Open what `save`, a study or ``memjax run`` left, or a store: a file, or a folder.

    A store opens at any time, also while it is written to; runs that are not finished say so in ``status``.

    Returns
    -------
    xr.Dataset
        In memory; every file is closed.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or it is no memjax dataset of a known schema; if a part of a store is
        damaged.
    """
    source = absolute("path", path)
    return open_store(source) if is_store(source) else open_file(source)
