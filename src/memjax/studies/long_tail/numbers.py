"""Numbers of the study long-tail: how often subpopulations were seen, what is fitted of them, and what that predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.tasks import Subpopulations

__all__ = [
    "GROUPS",
    "by_setting",
    "members",
    "of_runs",
    "sampled",
    "slope",
    "strong",
    "tail_of",
    "times_seen",
    "weak",
]

GROUPS = {"0": (0, 0), "1": (1, 1), "2": (2, 2), "3 to 9": (3, 9), "10 or more": (10, None)}
"""Subpopulations by how often they were seen: least and most."""

Counts = npt.NDArray[np.int64]


def members(runs: xr.Dataset, *, task: Subpopulations, train_size: int, test_size: int) -> xr.Dataset:
    """Subpopulation of every train and test row ``(seed, example)``, ``(seed, test_example)``, and all ``frequency``."""
    seeds = runs["seed"].values
    train, test = zip(*(task.subpopulations(int(seed), train_size, test_size) for seed in seeds), strict=True)
    found = {
        "train": (("seed", "example"), np.stack(train)),
        "test": (("seed", "test_example"), np.stack(test)),
        "frequency": ("subpopulation", task.frequencies()),
    }
    return xr.Dataset(found, {"seed": seeds}, {"num_classes": task.num_classes})


def tail_of(rows: xr.Dataset) -> xr.Dataset:
    """The exact sums for the frequencies and the train size of the runs, for all times up to the largest that was seen."""
    times = np.arange(times_seen(rows).max() + 1)
    return analysis.long_tail(rows["frequency"].values, rows.sizes["example"], times)


def times_seen(rows: xr.Dataset) -> Counts:
    """How often the train set of each seed has each subpopulation, ``int64[seed, subpopulation]``."""
    count = rows.sizes["subpopulation"]
    return np.stack([np.bincount(one, minlength=count) for one in rows["train"].values])


def sampled(rows: xr.Dataset, most: int) -> xr.Dataset:
    """What `memjax.analysis.long_tail` expects, found in the train set of every seed: ``(seed, times_seen)`` up to ``most``."""
    seen, size = times_seen(rows), rows.sizes["example"]
    times = np.arange(most + 1)
    marks = seen[:, None] == times[:, None]
    count, mass = marks.sum(-1), (marks * rows["frequency"].values).sum(-1)
    dims = ("seed", "times_seen")
    found = {"count": (dims, count), "share": (dims, times * count / size), "mass": (dims, mass)}
    return xr.Dataset(found, {"seed": rows["seed"].values, "times_seen": times})


def by_setting(runs: xr.Dataset) -> xr.Dataset:
    """Values at the end of training, or by step where there are several, with numbers as labels of the axis."""
    several = runs.sizes["example_step"] > 1
    own = runs if several else runs.isel(example_step=-1, drop=True)
    return own.assign_coords(hidden=own["hidden"].values.astype(int)) if "hidden" in own.dims else own


def of_runs(runs: xr.Dataset, rows: xr.Dataset, tail: xr.Dataset) -> xr.Dataset:
    """What each run fits of the tail, its errors, and the error that follows from what the run does not fit.

    Parameters
    ----------
    runs
        ``example_correct`` and ``test_example_correct`` by ``seed``, example and one axis, such as ``weight_decay``.
    rows
        What `members` gives.
    tail
        What `tail_of` gives.

    Returns
    -------
    xarray.Dataset
        By axis and seed: ``fitted``, the share of singletons that are fitted; ``error`` of the test set; ``group_error`` of the
        test rows of each of `GROUPS`; ``error_if_fitted`` and ``error_if_not``, of the test rows of singletons; ``wrong``, the
        number of subpopulations seen l times that are wrong; ``predicted``, the error of a guess about unseen subpopulations
        and the price of ``wrong``. NaN where there is no such row.
    """
    axis = next(str(dim) for dim in runs["example_correct"].dims if dim not in ("seed", "example"))
    correct = runs["example_correct"].transpose("seed", axis, "example").values > 0
    tested = runs["test_example_correct"].transpose("seed", axis, "test_example").values > 0
    seen = times_seen(rows)
    each = zip(correct, tested, rows["train"].values, rows["test"].values, seen, strict=True)
    parts = [_of_seed(*part, most=int(seen.max())) for part in each]
    names = {name: ("seed", axis, *_EXTRA.get(name, ())) for name in parts[0]}
    stacked = {name: (dims, np.stack([part[name] for part in parts])) for name, dims in names.items()}
    coords = {
        axis: runs[axis].values,
        "seed": runs["seed"].values,
        "group": list(GROUPS),
        "times_seen": tail["times_seen"],
    }
    found = xr.Dataset(stacked, coords)
    # No train row is of a subpopulation that is not seen, so of these none counts as wrong, and none is in the excess.
    excess = analysis.long_tail_error(found["wrong"], tail)
    guess = float(tail["mass"].sel(times_seen=0)) * (1 - 1 / rows.attrs["num_classes"])
    return found.assign(excess=excess, predicted=guess + excess)


_EXTRA = {"wrong": ("times_seen",), "group_error": ("group",)}


def _of_seed(correct: Any, tested: Any, train: Any, test: Any, seen: Counts, most: int) -> dict[str, np.ndarray]:
    """Numbers of one data set, ``[setting, ...]``."""
    once, times = seen[test] == 1, seen[train]
    shares = np.stack([np.bincount(times, weights=~one / times, minlength=most + 1) for one in correct])
    # Each singleton has one row: whether that row is fitted, for every test row.
    row = np.full(len(seen), -1)
    row[train] = np.arange(len(train))
    fitted = correct[:, row[test]] & once
    return {
        "fitted": correct[:, times == 1].mean(1),
        "error": 1 - tested.mean(1),
        "group_error": np.stack([_error(tested, _between(seen[test], *ends)) for ends in GROUPS.values()], 1),
        "error_if_fitted": _error(tested, fitted),
        "error_if_not": _error(tested, once & ~fitted),
        "wrong": shares,
    }


def _between(seen: Counts, least: int, most: int | None) -> npt.NDArray[np.bool_]:
    return (seen >= least) & (seen <= (np.inf if most is None else most))


def _error(tested: npt.NDArray[np.bool_], rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Share of wrong answers among some test rows, ``[setting]``; NaN for none."""
    chosen = np.broadcast_to(rows, tested.shape)
    count = chosen.sum(1)
    return np.asarray((~tested & chosen).sum(1) / np.where(count > 0, count, np.nan))


def slope(found: xr.Dataset, axis: str) -> xr.DataArray:
    """Slope of the test error in the predicted error over the settings of an axis, ``(seed,)``, by least squares."""
    x = found["predicted"] - found["predicted"].mean(axis)
    return (x * found["error"]).sum(axis) / (x**2).sum(axis)


def strong(found: xr.Dataset, axis: str) -> xr.Dataset:
    """The weakest setting of an axis at which less than half of the singletons are fitted, or else the strongest one."""
    mean = found["fitted"].mean("seed")
    below = mean.where(mean < 0.5, -1.0)
    return found.isel({axis: int(below.argmax(axis)) if (mean < 0.5).any() else int(mean.argmin(axis))})


def weak(found: xr.Dataset, axis: str) -> xr.Dataset:
    """The setting of an axis at which the test error is lowest."""
    return found.isel({axis: int(found["error"].mean("seed").argmin(axis))})
