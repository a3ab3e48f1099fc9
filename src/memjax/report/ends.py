"""The ends of runs: the last record of each run, and the words that say which one this is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["at_end", "end_text"]


def at_end(numbers: xr.Dataset, time: str) -> xr.Dataset:
    """Numbers at the last record of each run; NaN for a run that diverged before, and for one without a record.

    Where runs have different numbers of steps, the last record of a run is the last one within its own number.
    """
    if not time:
        return numbers
    numbers = numbers.sortby(time)
    place = _place(numbers, time)
    found = numbers.isel({time: place.clip(min=0)})
    return found if bool((place >= 0).all()) else found.astype(np.float64).where(place >= 0)


def end_text(numbers: xr.Dataset, time: str) -> str:
    """Where along training the numbers of `at_end` were taken, to put after their name; empty where nothing says so."""
    if "best_step" in numbers.coords and not time:
        return "of the best network"
    clock = time or next((name for name in ("step", "snapshot") if name in numbers.coords), "")
    if not clock:
        return ""
    last = _last(numbers, clock)
    if _is_end(numbers, last):
        return "at the end of the runs"
    steps = np.unique(last.values[np.isfinite(last.values)])
    if steps.size != 1:
        return "at the last snapshot of each run" if clock == "snapshot" else "at the last record here of each run"
    step = f"step {int(steps[0]):,}"
    return f"at the last snapshot, {step}" if clock == "snapshot" else f"at {step}, the last record here"


def _place(numbers: xr.Dataset, time: str) -> xr.DataArray:
    """Place of the last record of each run along sorted records; -1 where there is none."""
    records = numbers[time].values
    own = numbers["steps"] if "steps" in numbers.coords else xr.DataArray(records[-1])
    return own.copy(data=np.searchsorted(records, own.values, side="right") - 1).astype(np.int64)


def _last(numbers: xr.Dataset, clock: str) -> xr.DataArray:
    """Step of the last record of each run; NaN where there is none."""
    if not numbers[clock].ndim:
        return numbers[clock].astype(np.float64)
    place = _place(numbers.sortby(clock), clock)
    return place.copy(data=np.sort(numbers[clock].values)[place.values.clip(min=0)]).where(place >= 0)


def _is_end(numbers: xr.Dataset, last: xr.DataArray) -> bool:
    """Whether the last record of each run is at the run's number of steps, or at the step at which the run ended early."""
    fields: Mapping[str, Any] = json.loads(numbers.attrs["experiment"])
    swept = {name for names in json.loads(numbers.attrs["over"]) for name in names.split(",")}
    # A number of steps that was swept and is no longer known is no number to compare with.
    own = numbers["steps"] if "steps" in numbers.coords else np.nan if "steps" in swept else fields["steps"]
    ends = last == own
    if "stop_step" in numbers.coords:
        stop = numbers["stop_step"]
        # A stopped network stays as it is, and so do its records between the stop and its number of steps.
        ends = ends | (last == stop) | ((last >= stop) & (last <= own))
    return bool(ends.all())
