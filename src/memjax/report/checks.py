"""What a report needs of a dataset: the attributes of a sweep, runs and records to show, and whole words on each run."""

from __future__ import annotations

import xarray as xr

from memjax.errors import InputError
from memjax.results.table import axes_of, rows_of

__all__ = ["checked_axes"]

_ATTRIBUTES = ("experiment", "over", "packing", "versions", "created")
_OF_RUNS = ("status", "stop_step", "stop_reason")


def checked_axes(dataset: xr.Dataset) -> list[str]:
    """Names of all coordinates of the axes of the sweep; raises `InputError` where a report cannot be made of the dataset."""
    axes = axes_of(dataset, "report")
    lost = [name for name in _ATTRIBUTES if name not in dataset.attrs]
    if lost:
        raise InputError(
            f"The dataset has no attribute {lost[0]!r}, which the report shows: keep the attributes that memjax.sweep gave, "
            "as in dataset.mean('seed', keep_attrs=True)."
        )
    empty = [dim for dim in rows_of(dataset, axes) if dataset.sizes[dim] == 0]
    if empty:
        raise InputError(
            f"The dataset has no value left along {empty[0]!r}, so a report would show nothing: select at least one, as in "
            f"dataset.isel({empty[0]}=[0])."
        )
    _require_whole_words(dataset)
    return axes


def _require_whole_words(dataset: xr.Dataset) -> None:
    """Raise `InputError` where a dataset says what became of its runs in part only."""
    missing = [name for name in _OF_RUNS if name not in dataset.coords]
    if "status" in dataset.coords and missing:
        raise InputError(
            f"The dataset has the coordinate 'status' of its runs and no coordinate {missing[0]!r}: keep status, stop_step and "
            "stop_reason together, or drop them together."
        )
