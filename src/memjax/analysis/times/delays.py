"""Grokking as two numbers per run: how long after the train set a run learns the test set, and how suddenly."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.pairing import paired
from memjax.analysis.base.records import of_records
from memjax.analysis.times.events import time_to_threshold
from memjax.checks.labelled import require_array, require_dim

__all__ = ["delay"]

FloatArray = npt.NDArray[np.float64]


def delay(
    train: xr.DataArray,
    test: xr.DataArray,
    threshold: float,
    test_threshold: float | None = None,
    dim: str = "step",
    *,
    direction: Literal["rising", "falling"] = "rising",
    stays: bool = False,
    factor: float = 2.0,
    sudden_within: float = 1.0 / 3.0,
) -> xr.Dataset:
    """When each run learns its train set and when its test set, and whether the run grokked.

    Parameters
    ----------
    train, test
        Recorded accuracy or loss on each, dimensions ``(..., dim)``; runs are paired by label.
    threshold
        Value at which a set counts as learned, such as an accuracy of 0.99 or a loss of 0.01.
    test_threshold
        Threshold of the test set, if it differs.
    dim
        Dimension of the records, in recorded order; its coordinate is the time.
    direction
        "rising" for accuracy, "falling" for loss.
    stays
        Whether to give the times from which the run stays at the threshold, instead of the first visits.
    factor
        How many times later than the train set the test set must be learned to count as late, at least 1.
    sudden_within
        Largest share of ``t_test`` that a sudden rise may take.

    Returns
    -------
    xarray.Dataset
        float64 ``(...)``: ``t_train`` and ``t_test`` in units of ``dim``, as `time_to_threshold` gives them (infinity: never,
        NaN: diverged before); ``ratio``, t_test / t_train, infinite for a run that never generalises, and NaN if neither set
        is ever learned or the train set is learned from the start; ``rise_time``, how long the test curve takes for the middle
        80% of the way from its first record to the threshold, NaN if the curve never gets there. bool: ``sudden``, whether
        the rise takes at most ``sudden_within`` of t_test. str: ``outcome``.

    Raises
    ------
    ValueError
        If a series is not a DataArray, they differ in dimensions, lengths or labels, ``factor`` is below 1,
        ``sudden_within`` is not positive, or `time_to_threshold` does not take an argument.

    Notes
    -----
    Grokking has two definitions. The first is a sudden rise of test accuracy: ``sudden``. The second is a rise long after the
    train set is fitted: the outcome "grokked", both sets learned and ratio >= factor. The other outcomes are "together" (both
    sets learned, ratio below the factor), "never generalised" (only the train set learned), "never fitted" (the train set
    never learned), "fitted from the start" (the time is not known), and "diverged" (before one of the two times). The rise is
    measured on the scale of the given values: for a loss that falls by orders of magnitude, give the logarithm of loss and
    threshold. An accuracy that approaches 1 as 1 - exp(-t / a) takes 0.48 of its time to 0.99 for the middle 80%, which is
    not sudden. The rise begins and ends at the last crossings of 10% and 90% before ``t_test``.

    Examples
    --------
    >>> coords = {"step": [0, 100, 200, 900, 1000]}
    >>> train = xr.DataArray([0.1, 1.0, 1.0, 1.0, 1.0], dims="step", coords=coords)
    >>> test = xr.DataArray([0.1, 0.1, 0.1, 0.1, 1.0], dims="step", coords=coords)
    >>> found = delay(train, test, 0.99)
    >>> float(found.t_test.round(1)), float(found.ratio.round(2)), str(found.outcome.values), bool(found.sudden)
    (998.9, 10.1, 'grokked', True)
    """
    _require(train, test, dim, factor, sudden_within)
    train, test = paired({"train": train, "test": test})
    aim = threshold if test_threshold is None else test_threshold
    fits = time_to_threshold(train, threshold, dim, direction=direction, stays=stays)
    learns = time_to_threshold(test, aim, dim, direction=direction, stays=stays)
    times = xr.Dataset({"t_train": fits["time"], "t_test": learns["time"]})
    ratio = _ratio(times, fits["outcome"])
    sign = 1.0 if direction == "rising" else -1.0
    (rise,) = of_records(lambda y, at: _rise_times(sign * y, at, sign * aim, stays), test, dim)
    found = times.assign(ratio=ratio, rise_time=rise, sudden=rise <= sudden_within * learns["time"])
    found["outcome"] = _outcome(times, ratio, fits["outcome"], factor)
    for name, label in _LABELS.items():
        found[name].attrs["long_name"] = label
    return found.assign_attrs(
        threshold=threshold, test_threshold=aim, direction=direction, factor=factor, sudden_within=sudden_within
    )


_LABELS = {
    "ratio": "time to learn the test set over time to fit the train set",
    "rise_time": "time of the middle 80% of the rise",
    "sudden": "the rise is sudden",
    "outcome": "what became of the run",
}


def _require(train: xr.DataArray, test: xr.DataArray, dim: str, factor: float, sudden_within: float) -> None:
    for name, series in (("train", train), ("test", test)):
        require_array(series, name)
        require_dim(series, dim, "dim")
    if dict(train.sizes) != dict(test.sizes):
        raise ValueError(
            f"train has sizes {dict(train.sizes)} and test {dict(test.sizes)}: give two series of the same runs and records."
        )
    if not 1.0 <= factor < np.inf:
        raise ValueError(f"factor = {factor!r} must be a finite number of at least 1, for example 2.")
    if not 0.0 < sudden_within < np.inf:
        raise ValueError(f"sudden_within = {sudden_within!r} must be a positive number, for example 0.33.")


def _ratio(times: xr.Dataset, fitted: xr.DataArray) -> xr.DataArray:
    # Infinity over infinity is NaN, as it should be. A time before the first record is not known.
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = times["t_test"] / times["t_train"]
    return ratio.where(fitted != "from the start").drop_attrs(deep=False)


def _outcome(times: xr.Dataset, ratio: xr.DataArray, fitted: xr.DataArray, factor: float) -> xr.DataArray:
    lost = times["t_train"].isnull() | times["t_test"].isnull()
    never = {name: times[name] == np.inf for name in ("t_train", "t_test")}
    conditions = [lost, fitted == "from the start", never["t_train"], never["t_test"], ratio >= factor]
    words = ["diverged", "fitted from the start", "never fitted", "never generalised", "grokked"]
    named = np.full(ratio.shape, "together", dtype=f"<U{max(map(len, words))}")
    for condition, word in zip(conditions[::-1], words[::-1], strict=True):
        named[condition.transpose(*ratio.dims).values] = word
    return ratio.copy(data=named)


def _rise_times(y: FloatArray, at: FloatArray, aim: float, stays: bool) -> tuple[FloatArray]:
    return (np.array([_rise_time(row, at, aim, stays) for row in y]),)


def _rise_time(y: FloatArray, at: FloatArray, aim: float, stays: bool) -> float:
    """Rise times: from the last crossing of 10% to the last one of 90% before the record at the threshold."""
    there = y >= aim
    if there[0] or not (there[-1] if stays else there.any()):
        return np.nan
    arrival = there.size - there[::-1].argmin() if stays else there.argmax()
    start, stop = (_last_crossing(y[: arrival + 1], at, y[0] + share * (aim - y[0])) for share in (0.1, 0.9))
    return stop - start


def _last_crossing(y: FloatArray, at: FloatArray, level: float) -> float:
    below = np.flatnonzero(y < level)
    if not below.size:
        return np.nan
    left = below[-1]
    return float(at[left] + (level - y[left]) / (y[left + 1] - y[left]) * (at[left + 1] - at[left]))
