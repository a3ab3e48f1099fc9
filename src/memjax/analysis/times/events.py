"""When something happens in a recorded series: the time to a threshold, and the stretches where nothing does."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.records import of_records
from memjax.analysis.times.threshold import require_threshold
from memjax.checks.labelled import require_array, require_choice, require_fraction

__all__ = ["plateaus", "time_to_threshold"]

FloatArray = npt.NDArray[np.float64]


def time_to_threshold(
    series: xr.DataArray,
    threshold: float,
    dim: str = "step",
    *,
    direction: Literal["rising", "falling"] = "rising",
    stays: bool = False,
) -> xr.Dataset:
    """When each run first reaches a threshold, between records by linear interpolation.

    Parameters
    ----------
    series
        Recorded values, dimensions ``(..., dim)``.
    threshold
        Value to reach: a record counts if it is at least (falling: at most) the threshold. Accuracies lie from 0 to 1, so 95%
        is 0.95.
    dim
        Dimension of the records, in recorded order; its coordinate is the time.
    direction
        Which side counts as reached.
    stays
        Whether to give the time from which the run stays there to its last record, instead of the first visit.

    Returns
    -------
    xarray.Dataset
        ``time``, float64 ``(...)`` in units of ``dim``: the first position for a run that is there from the start, infinity
        for a run that never gets there, NaN for a run that diverged before. ``outcome``, str ``(...)``: "reached", "from the
        start", "never" or "diverged".

    Raises
    ------
    ValueError
        If ``series`` is not a DataArray, ``dim`` is not one of its dimensions, ``threshold`` is not a finite number,
        ``direction`` is not known, or no value of ``series`` can reach the threshold: its attributes ``valid_min``,
        ``valid_max`` or ``valid_range`` say so, or the series is an accuracy, an error rate or a share in units of 1.

    Examples
    --------
    >>> import xarray as xr
    >>> accuracy = xr.DataArray([[0.1, 0.4, 0.9], [0.1, 0.2, 0.3]], dims=("seed", "step"), coords={"step": [0, 10, 20]})
    >>> found = time_to_threshold(accuracy, 0.5)
    >>> found["time"].values, found["outcome"].values.tolist()
    (array([12., inf]), ['reached', 'never'])
    """
    require_choice(direction, ("rising", "falling"), "direction")
    require_array(series, "series")
    threshold = require_threshold(series, threshold)
    sign = 1.0 if direction == "rising" else -1.0
    time, outcome = of_records(lambda y, at: _times(sign * y, at, sign * threshold, stays), series, dim)
    name = series.attrs.get("long_name", series.name or "the series")
    beyond = "at least" if direction == "rising" else "at most"
    time.attrs = {"long_name": f"time until {name} is {beyond} {threshold:g}{' for good' if stays else ''}"}
    time.attrs |= (
        {key: value for key, value in series[dim].attrs.items() if key == "units"} if dim in series.coords else {}
    )
    return xr.Dataset({"time": time, "outcome": outcome}, attrs={"threshold": threshold, "direction": direction})


def plateaus(
    series: xr.DataArray, dim: str = "step", *, within: float = 0.05, shortest: float = 0.1, most: int = 3
) -> xr.Dataset:
    """Longest stretches over which each run hardly moves.

    Parameters
    ----------
    series
        Recorded values, dimensions ``(..., dim)``.
    dim
        Dimension of the records, in recorded order, with ascending positions.
    within
        Largest difference between two records of a plateau, as a fraction of the largest difference in the run.
    shortest
        Shortest plateau, as a fraction of the length of the run.
    most
        Number of plateaus to look for: the longest, then the longest to the left and to the right of the first, and so on.

    Returns
    -------
    xarray.Dataset
        ``start`` and ``stop`` (units of ``dim``) and ``level``, the mean over the records of the plateau (units of the
        series), float64 ``(..., plateau)`` in order of time, NaN beyond the plateaus of a run; ``count``, int ``(...)``;
        ``reason``, str ``(...)``: why a run has no plateau, empty when fine.

    Raises
    ------
    ValueError
        If ``series`` is not a DataArray, ``dim`` is not one of its dimensions, a fraction is not in (0, 1), or ``most`` is
        not positive.

    Examples
    --------
    >>> import xarray as xr
    >>> loss = xr.DataArray([3.0, 2.9, 2.9, 2.9, 1.0, 0.0, 0.0], dims="step", coords={"step": range(0, 70, 10)})
    >>> found = plateaus(loss)
    >>> found["start"].values, found["stop"].values, found["count"].item()
    (array([ 0., 50., nan]), array([30., 60., nan]), 2)
    """
    require_fraction(within, "within")
    require_fraction(shortest, "shortest")
    if most < 1:
        raise ValueError(f"most = {most} must be at least 1.")
    start, stop, level, count, reason = of_records(
        lambda y, at: _stacked([_plateaus_of(one, at, within, shortest, most) for one in y]), series, dim
    )
    found = xr.Dataset({"start": start, "stop": stop, "level": level}).rename(extra="plateau")
    for name in ("start", "stop"):
        found[name].attrs = {"long_name": f"{name} of the plateau"} | dict(
            series[dim].attrs if dim in series.coords else {}
        )
        found[name].attrs["long_name"] = f"{name} of the plateau"
    found["level"].attrs = {key: value for key, value in series.attrs.items() if key == "units"}
    return found.assign(count=count, reason=reason).assign_attrs(within=within, shortest=shortest)


def _times(y: FloatArray, at: FloatArray, threshold: float, stays: bool) -> tuple[np.ndarray, ...]:
    there, lost = y >= threshold, np.isnan(y).any(axis=1)
    if stays:
        # All records after the last one short of the threshold are there. NaN counts as short of the threshold.
        index = np.where(there.all(axis=1), 0, y.shape[1] - there[:, ::-1].argmin(axis=1))
    else:
        index = np.where(there.any(axis=1), there.argmax(axis=1), y.shape[1])
    reached = index < y.shape[1]
    right = np.clip(index, 1, y.shape[1] - 1) if y.shape[1] > 1 else np.zeros_like(index)
    left = np.maximum(right - 1, 0)
    rows = np.arange(len(y))
    low, high = y[rows, left], y[rows, right]
    # Nothing can be interpolated from or to infinity, so the time is that of the record at the threshold.
    usable = np.isfinite(low) & np.isfinite(high) & (high > low)
    share = np.where(usable, (threshold - low) / np.where(usable, high - low, 1.0), 1.0)
    time = np.where(index == 0, at[0], at[left] + np.clip(share, 0.0, 1.0) * (at[right] - at[left]))
    outcome = np.select([reached & (index == 0), reached, lost], ["from the start", "reached", "diverged"], "never")
    return np.select([reached, lost], [time, np.nan], np.inf), outcome


def _plateaus_of(y: FloatArray, at: FloatArray, within: float, shortest: float, most: int) -> tuple[np.ndarray, ...]:
    table = np.full((3, most), np.nan)
    if not np.isfinite(y).all():
        return (*table, np.int64(0), np.str_("a record is not finite"))
    if y.size < 3:
        return (*table, np.int64(0), np.str_(f"{y.size} records, at least 3 needed"))
    spans: list[tuple[int, int]] = []
    gaps = [(0, y.size)]
    while gaps and len(spans) < most:
        longest = max((_longest(y[a:b], at[a:b], within * np.ptp(y), a), gap) for gap in gaps for a, b in [gap])
        (length, a, b), gap = longest
        if length < shortest * np.ptp(at) or b - a < 2:
            break
        spans.append((a, b))
        gaps = [part for part in gaps if part != gap] + [(gap[0], a), (b, gap[1])]
        gaps = [(low, high) for low, high in gaps if high - low >= 2]
    for i, (a, b) in enumerate(sorted(spans)):
        table[:, i] = at[a], at[b - 1], y[a:b].mean()
    return (*table, np.int64(len(spans)), np.str_("" if spans else "no stretch is long enough"))


def _longest(y: FloatArray, at: FloatArray, band: float, shift: int) -> tuple[float, int, int]:
    """Length and bounds of the longest stretch whose records differ by at most ``band``."""
    best, start = (0.0, shift, shift + 1), 0
    for stop in range(1, y.size + 1):
        while np.ptp(y[start:stop]) > band:
            start += 1
        best = max(best, (float(at[stop - 1] - at[start]), start + shift, stop + shift), key=lambda found: found[0])
    return best


def _stacked(rows: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.array(column) for column in zip(*rows, strict=True))
