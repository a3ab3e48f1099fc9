"""Numbers of the study ungrokking: the train size at which half of what a network knew is left, by weight decay and step."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis

__all__ = [
    "LEARNED",
    "STARTS",
    "at_equal_decay",
    "change",
    "critical_sizes",
    "doubling",
    "size_for",
    "unfolded",
    "transition",
]

LEARNED = 0.99
"""Test accuracy from which a network counts as one that has grokked."""

STARTS = ("learning_rate", "weight_decay", "seed")
"""What tells apart the networks that go on."""

_LATE = 0.8
_RESAMPLES = 400


def unfolded(continued: xr.Dataset, grokked: xr.Dataset) -> xr.Dataset:
    """Accuracies ``(*STARTS, train_size, step)`` of the runs that went on; NaN where the network had not grokked."""
    labels = {name: ("start", continued[name].values) for name in STARTS}
    plain = continued[["train_accuracy", "test_accuracy"]].reset_coords(drop=True).drop_vars("start")
    runs = plain.assign_coords(labels).set_index(start=list(labels)).unstack("start")
    had = analysis.last(grokked["test_accuracy"]).reset_coords(drop=True) >= LEARNED
    return runs.transpose(*STARTS, "train_size", "step").where(had)


def size_for(accuracy: xr.DataArray, level: float = 0.5) -> xr.DataArray:
    """Train size from which on an accuracy ``(..., train_size)`` stays at a level or above, between sizes linear in log size.

    NaN where that is not inside the sizes that were run.
    """
    found = analysis.time_to_threshold(_by_log_size(accuracy), level, "train_size", stays=True)
    return xr.DataArray(2.0 ** found["time"].where(found["outcome"] == "reached")).drop_attrs()


def _by_log_size(accuracy: xr.DataArray) -> xr.DataArray:
    return accuracy.assign_coords(train_size=np.log2(accuracy["train_size"].values))


def critical_sizes(continued: xr.Dataset) -> xr.Dataset:
    """Critical sizes, in examples, of the runs that `unfolded` gives, by learning rate and weight decay.

    Sizes from which on a share of the test pairs is right: ``half (..., seed, step)``, and ``low`` (10%) and ``high`` (90%) at
    the end; ``late`` is ``half`` at the end over that at four fifths of the steps. ``fitted`` and ``sharpness``, with their
    intervals, are centre and size for 90% over that for 10% of a logistic curve through the last mean accuracies.
    """
    accuracy = continued["test_accuracy"]
    half, end = size_for(accuracy), accuracy.isel(step=-1, drop=True)
    logs = _by_log_size(end).drop_attrs()
    start = {"centre": float(logs["train_size"].mean()), "width": 0.3}
    curve = analysis.fit(logs, _logistic, "train_size", start=start, resamples=_RESAMPLES)
    # A logistic curve goes from 10% to 90% in 2 ln 9 widths.
    both = {f"sharpness{part}": 2.0 ** (2.0 * np.log(9.0) * curve[f"width{part}"]) for part in ("", "_interval")}
    both |= {f"fitted{part}": 2.0 ** curve[f"centre{part}"] for part in ("", "_interval")}
    found = xr.Dataset({"half": half, "low": size_for(end, 0.1), "high": size_for(end, 0.9), **both})
    return found.assign(late=2.0 ** change(_log2(half)), unfitted=unfitted(continued["train_accuracy"])).drop_attrs()


def _logistic(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    return 1.0 / (1.0 + np.exp((centre - x) / width))


def unfitted(train_accuracy: xr.DataArray) -> xr.DataArray:
    """Share of the records after the first two, by learning rate and weight decay, in which the train accuracy is below 1."""
    # Networks whose start does not count are NaN, and no record of theirs is below anything.
    late = train_accuracy.isel(step=slice(2, None))
    return (late < 1.0 - 1e-6).where(late.notnull()).mean(("seed", "train_size", "step"))


def change(series: xr.DataArray) -> xr.DataArray:
    """Change of a series over the last fifth of its steps."""
    steps = series["step"].values
    before = int(np.abs(steps - _LATE * steps[-1]).argmin())
    return series.isel(step=-1, drop=True) - series.isel(step=before, drop=True)


def transition(found: xr.Dataset) -> xr.DataArray:
    """Size for 90% right over that for 10%, the geometric mean over weight decays; NaN where one is missing."""
    return xr.DataArray(2.0 ** _log2(found["high"] / found["low"]).mean("weight_decay", skipna=False))


def _log2(values: xr.DataArray) -> xr.DataArray:
    return xr.DataArray(np.log2(values))


def at_equal_decay(half: xr.DataArray) -> xr.DataArray:
    """Critical sizes ``(weight_decay, seed)`` after as much steps x weight decay as the least weight decay has come to."""
    logs, decays, last = _log2(half), half["weight_decay"].values.tolist(), float(half["step"][-1])
    parts = [logs.sel(weight_decay=decay).interp(step=last * min(decays) / decay) for decay in decays]
    return xr.DataArray(2.0 ** xr.concat([part.drop_vars("step") for part in parts], "weight_decay"))


def doubling(sizes: xr.DataArray) -> xr.DataArray:
    """Factor ``(seed,)`` on a size for every doubling of the weight decay; NaN where a size is missing."""
    logs = _log2(sizes["weight_decay"])
    centred = logs - logs.mean()
    slope = (_log2(sizes) * centred).sum("weight_decay", skipna=False) / (centred**2).sum()
    return xr.DataArray(2.0**slope)
