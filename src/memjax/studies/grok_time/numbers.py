"""Numbers of the study grok-time: times to fit and to grok, what the budget of steps leaves open, thresholds and exponents."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Within, ratio, within_records

__all__ = ["PUBLISHED", "at_least", "between", "exponent", "kept", "merged", "percent", "slopes", "thresholds", "times"]

PUBLISHED = {0.95: 279.0, 0.8: 439.0, 0.6: 556.0, 0.5: 1109.0, 0.4: 3324.0, 0.3: 8258.0}
"""Steps to a test loss of 0.01 by train fraction: addition mod 113, one-layer transformer, one run each."""

_ACCURACY, _LOSS, _LEAST = 0.99, 0.01, 1e-30
_BUDGETS = (0.25, 0.5, 1.0)


def merged(dataset: xr.Dataset, early: xr.Dataset) -> xr.Dataset:
    """Records of the same runs from a close look at the beginning, and then from the whole of them."""
    later = dataset.isel(step=np.flatnonzero(dataset["step"].values > early["step"].values[-1]))
    names = [f"{split}_{by}" for split in ("train", "test") for by in ("accuracy", "loss")]
    return xr.concat([part[names].reset_coords(drop=True) for part in (early, later)], "step", join="exact")


def times(dataset: xr.Dataset, by: str = "accuracy") -> xr.Dataset:
    """When runs learn both sets, as `memjax.analysis.delay` gives it, by accuracy (0.99) or by loss (0.01).

    With ``reached``, 1 for a run that learns its test set (NaN: diverged), and the records as coordinate ``step``.
    """
    train, test = (dataset[f"{split}_{by}"].reset_coords(drop=True).astype(np.float64) for split in ("train", "test"))
    if by == "loss":
        # On the scale on which a loss falls, so that "sudden" means the same at every height; a loss of 0 has no logarithm.
        train, test = (series.copy(data=np.log(np.maximum(series.values, _LEAST))) for series in (train, test))
        found = analysis.delay(train, test, float(np.log(_LOSS)), direction="falling")
    else:
        found = analysis.delay(train, test, _ACCURACY)
    reached = (found["t_test"] < np.inf).where(found["outcome"] != "diverged")
    return found.assign(reached=reached).assign_coords(step=dataset["step"])


def between(found: xr.Dataset, name: str) -> Within:
    """A time of `times` with the records around it."""
    return within_records(found[name], found["step"])


def at_least(found: xr.Dataset, name: str) -> Within:
    """The same, where a run that never gets there takes the whole budget or more."""
    own, budget = between(found, name), float(found["step"][-1])
    never = own.found == np.inf
    return Within(own.found.where(~never, budget), own.least.where(~never, budget), own.most)


def slopes(found: xr.Dataset, high: float, low: float) -> Within:
    """Percent more steps to grok per 1% less data between two train fractions, seed by seed.

    Where a seed never groks at the lower fraction its number is bounded from below alone. A seed that does not grok at the
    higher one has none.
    """
    less, more = (found.sel(train_size=share, drop=True) for share in (low, high))
    rises = ratio(at_least(less, "t_test"), between(more, "t_test"))
    known = np.isfinite(more["t_test"])
    return Within(*(percent(_log(part.where(known)) / (low - high)) for part in rises))


def _log(values: xr.DataArray) -> xr.DataArray:
    # The record before a time may be step 0, which leaves its lower end open.
    with np.errstate(divide="ignore"):
        return xr.DataArray(np.log(values))


def percent(slope: xr.DataArray) -> xr.DataArray:
    """Percent more steps per 1% less data, from d log T / dx of the train fraction x."""
    return xr.DataArray(100.0 * np.expm1(-0.01 * slope))


def thresholds(t_test: xr.DataArray, budget: float) -> xr.Dataset:
    """Which runs grok within parts of the budget, ``groks`` of 0 and 1, and ``threshold``, from where all of a seed do.

    A threshold is halfway between the last train fraction at which the seed fails and the next one; NaN if it is not inside.
    """
    steps = xr.DataArray([share * budget for share in _BUDGETS], dims="steps")
    groks = (t_test <= steps).astype(np.float64).where(t_test.notnull()).drop_attrs()
    crossing = analysis.time_to_threshold(groks, 0.5, "train_size", stays=True)
    inside = crossing["time"].where(crossing["outcome"] == "reached").drop_attrs()
    return xr.Dataset({"groks": groks, "threshold": inside}).assign_coords(steps=steps.values)


def kept(time: xr.DataArray) -> xr.DataArray:
    """Values of a knob ``(knob,)`` that have a logarithm and with which every seed gets there."""
    whole = (abs(time) < np.inf).all("seed") & (time["knob"] > 0.0)
    return time["knob"].isel(knob=np.flatnonzero(whole))


def exponent(time: Within) -> Within:
    """Least-squares slope of log time over log knob, seed by seed, over the values that `kept` gives."""
    values = kept(time.found)
    found, least, most = (_log(part.sel(knob=values)) for part in time)
    centred = _log(values) - _log(values).mean()
    # A value in the middle has no weight, whatever rounding makes of it, and whatever is not known of its time.
    weight = (centred / (centred**2).sum()).round(12)
    # A time may be late where that steepens the slope, and early where it flattens it.
    ends = [xr.where(weight > 0.0, one, other) for one, other in ((least, most), (most, least))]
    # Times that do not change at all have an exponent of 0, whatever rounding makes of it.
    return Within(*((weight * part).sum("knob").round(12) for part in (found, *ends)))
