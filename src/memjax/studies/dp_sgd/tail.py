"""Price of privacy in the long tail: what the guarantee keeps from being fitted, and the least error that follows."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import privacy
from memjax.studies.dp_sgd.numbers import by_setting
from memjax.studies.long_tail.numbers import of_runs, tail_of, times_seen

__all__ = ["floors", "known_at_most", "tail_numbers"]


def known_at_most(mu: float, times: np.ndarray, num_classes: int) -> np.ndarray:
    """Largest chance that a network is right about the label of a subpopulation seen so many times.

    Without any of its rows the label is a guess, right with the chance 1 / C. Removing all l rows moves the sum of gradients by
    up to l clip norms, so the chance rises by at most the advantage of the Gaussian mechanism of l mu.

    Examples
    --------
    >>> known_at_most(0.5, np.array([1, 2, 20]), 10).round(3)
    array([0.297, 0.483, 1.   ])
    """
    found = 1 / num_classes + privacy.gaussian_advantage(mu * np.maximum(times, 1))
    return np.asarray(np.minimum(found, 1.0))


def floors(mu: xr.DataArray, rows: xr.Dataset) -> xr.Dataset:
    """Least test errors ``(setting, seed)`` that the guarantee leaves to any network on the train set of each seed.

    ``guess`` is the error of a guess about subpopulations that the train set lacks, which all learners pay. ``singletons`` adds
    the price tau_1 of every singleton that cannot be known, ``floor`` adds the prices tau_l of all subpopulations.
    """
    tail, classes = tail_of(rows), int(rows.attrs["num_classes"])
    times = tail["times_seen"].values[1:]
    seen = times_seen(rows)
    counts = xr.DataArray([(one[:, None] == times).sum(0) for one in seen], dims=("seed", "times_seen"))
    known = [known_at_most(float(one), times, classes) for one in mu]
    wrong = xr.DataArray(1 - np.array(known), {"setting": mu["setting"]}, ("setting", "times_seen"))
    price = tail["price"].isel(times_seen=slice(1, None)).drop_vars("times_seen").fillna(0.0)
    paid = wrong * counts * price
    guess = float(tail["mass"].sel(times_seen=0)) * (1 - 1 / classes)
    once = guess + paid.isel(times_seen=0)
    found = xr.Dataset({"singletons": once, "floor": guess + paid.sum("times_seen"), "guess": guess})
    return found.assign_coords(seed=rows["seed"].values).reset_coords(drop=True).drop_attrs()


def tail_numbers(runs: xr.Dataset, rows: xr.Dataset) -> xr.Dataset:
    """What `memjax.studies.long_tail.numbers.of_runs` says of every setting and seed."""
    own = by_setting(runs).drop_vars(["clip_norm", "noise_multiplier"])
    return of_runs(own, rows, tail_of(rows)).assign_attrs(num_classes=rows.attrs["num_classes"])
