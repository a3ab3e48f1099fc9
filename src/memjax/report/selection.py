"""Which runs of a sweep a dataset still has, in words: the labels that are left, and those that were swept."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from memjax.results.settings import listed_labels

__all__ = ["axis_facts", "is_selection"]


def axis_facts(dataset: xr.Dataset) -> tuple[tuple[str, str], ...]:
    """Each axis of the sweep with the labels that the dataset has, and with those that were swept where they are others."""
    return tuple(_fact(dataset, axis, swept) for axis, swept in json.loads(dataset.attrs["axes"]).items())


def is_selection(dataset: xr.Dataset) -> bool:
    """Whether the dataset has single values left of an axis with more of them."""
    axes = json.loads(dataset.attrs["axes"])
    return any(axis in dataset.coords and not _is_whole(_left(dataset, axis), swept) for axis, swept in axes.items())


def _fact(dataset: xr.Dataset, axis: str, swept: list[Any]) -> tuple[str, str]:
    every = listed_labels(swept)
    if axis not in dataset.coords:
        return axis, f"no axis of this dataset: averaged over, or dropped, of the swept {every}"
    left = _left(dataset, axis)
    if _is_whole(left, swept):
        return f"{axis} (swept)", every
    return axis, f"{listed_labels(left)} of the swept {every}"


def _left(dataset: xr.Dataset, axis: str) -> list[Any]:
    return list(np.ravel(dataset[axis].values).tolist())


def _is_whole(left: list[Any], swept: list[Any]) -> bool:
    return list(map(str, left)) == list(map(str, swept))
