"""A mark on recorded shares, such as accuracies: the values lie between 0 and 1 because nothing was calculated from them.

xarray keeps names and attributes through arithmetic, so a difference of two accuracies is still called "test accuracy". The
encoding of an array is kept by selections (isel, sel, sortby, transpose, rename), and is lost with any arithmetic and any mean.
"""

from __future__ import annotations

import re

import xarray as xr

__all__ = ["is_recorded_share", "keep_mark", "mark_share", "mark_shares", "named_share"]

_KEY = "memjax_recorded_share"
_SHARE = r"([\w-]+ )*(accuracy|error rate)|(share|fraction|probability) of .*"
# With one of these words a name is of another number: "gap of test accuracy" or "log accuracy".
_OTHER = r"(?<!\w)(of|log|logarithm|logit|gap|change|difference|ratio|relative|excess)(?!\w).*(accuracy|error rate)"
_BETWEEN_RECORDS = r"(first|last|mean|maximum|minimum)( from \S+ to \S+)?"


def named_share(values: xr.DataArray) -> bool:
    """Whether name and units are those of a share, whatever was calculated since.

    Examples
    --------
    >>> named_share(xr.DataArray(0.5, name="test_accuracy")), named_share(xr.DataArray(0.5, name="accuracy_gap"))
    (True, False)
    """
    name = str(values.attrs.get("long_name", values.name or "")).replace("_", " ")
    named = re.fullmatch(_SHARE, name) and not re.match(_OTHER, name)
    return bool(named) and values.attrs.get("units", "") in ("", "1")


def mark_share(values: xr.DataArray) -> xr.DataArray:
    """Mark an array as a recorded share, in place.

    Examples
    --------
    >>> accuracy = mark_share(xr.DataArray([0.5, 0.9], dims="seed", name="test_accuracy"))
    >>> is_recorded_share(accuracy.isel(seed=0)), is_recorded_share(accuracy - 0.5)
    (True, False)
    """
    values.variable.encoding[_KEY] = True
    return values


def keep_mark(series: xr.DataArray, result: xr.DataArray, label: str) -> None:
    """Mark, in place, numbers of a recorded share that lie between the least and the largest record, judged by their label."""
    if is_recorded_share(series) and re.fullmatch(_BETWEEN_RECORDS, label):
        mark_share(result)


def mark_shares(recorded: xr.Dataset) -> xr.Dataset:
    """Mark, in place, every variable of freshly recorded values whose name is that of a share."""
    for values in recorded.data_vars.values():
        if named_share(values):
            mark_share(values)
    return recorded


def is_recorded_share(values: xr.DataArray) -> bool:
    """Whether the array is a recorded share or a selection of one."""
    return values.encoding.get(_KEY) is True
