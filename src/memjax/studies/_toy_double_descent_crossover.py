"""Where the study toy-double-descent goes over from points to features, by several signs of it, for every n and S."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.experiment import Experiment
from memjax.tasks import SparseFeatures

__all__ = ["PUBLISHED", "SIGNS", "Pair", "crossovers", "loads_of", "pair_of"]

Pair = tuple[int, float]
"""Number of features n and sparsity S."""

PUBLISHED = 10.0
"""T (1 - S) at the published crossover, about."""

SIGNS = {
    "back_below_zero": "test loss back below 1",
    "half_norm": "norm below half its maximum",
    "uneven": "D_X below half of m / T",
    "five_hold_half": "five features hold half of D_f",
}
"""What a crossing is read from: a curve that passes a level for good."""


def pair_of(dataset: xr.Dataset) -> Pair:
    """Number of features and sparsity of a sweep's task."""
    task = cast(SparseFeatures, Experiment.from_json(dataset.attrs["experiment"]).task)
    return task.num_features, task.sparsity


def loads_of(pairs: Mapping[Pair, xr.Dataset]) -> xr.Dataset:
    """Mean curves of all pairs by ``load`` = T (1 - S), at the loads that all of them have.

    Parameters
    ----------
    pairs
        What `best_runs` gives, by number of features and sparsity.

    Returns
    -------
    xr.Dataset
        ``test_loss``, ``norm`` (over its largest mean along these loads) and ``five``, dimensions ``(pair, load)``.
    """
    curves = []
    for (n, sparsity), runs in pairs.items():
        one = runs[["test_loss", "weight_l2", "five"]].mean("seed").rename(train_size="load")
        load = (one["load"] * (1.0 - sparsity)).round(6)
        curves.append(one.assign_coords(load=load.values).expand_dims(pair=[f"n = {n}, S = {sparsity:g}"]))
    joined = xr.concat(curves, "pair", join="inner")
    return joined.assign(norm=joined["weight_l2"] / joined["weight_l2"].max("load"))


def crossovers(pairs: Mapping[Pair, xr.Dataset]) -> dict[Pair, xr.Dataset]:
    """Bump and crossings of every pair, in units of T (1 - S).

    Parameters
    ----------
    pairs
        What `best_runs` gives, by number of features and sparsity.

    Returns
    -------
    dict
        By pair ``bump``, ``bump_test_loss`` (a geometric mean) and ``bump_ratio`` (to the higher end) with their intervals
        over data sets; and for each of `SIGNS` the base-2 logarithm of the crossing ``(seed,)``, between sizes linear in
        it, NaN where a data set has none inside the sizes.
    """
    return {
        (n, sparsity): _bump(runs["test_loss"], 1.0 - sparsity).merge(_crossings(runs, 1.0 - sparsity))
        for (n, sparsity), runs in pairs.items()
    }


def _bump(test_loss: xr.DataArray, present: float) -> xr.Dataset:
    # Of the logarithm: a few data sets have bumps many times as high as the others.
    top = analysis.peak(cast(xr.DataArray, np.log2(test_loss)))
    found = {"bump": top["location"] * present, "bump_interval": top["location_interval"] * present}
    for name, source in (("bump_test_loss", "height"), ("bump_ratio", "prominence")):
        found |= {name: 2.0 ** top[source], f"{name}_interval": 2.0 ** top[f"{source}_interval"]}
    return xr.Dataset(found).drop_attrs()


def _crossings(runs: xr.Dataset, present: float) -> xr.Dataset:
    norm = runs["weight_l2"]
    curves = {
        "back_below_zero": runs["test_loss"] - 1.0,
        "half_norm": norm / norm.max("train_size") - 0.5,
        "uneven": runs["even"] - 0.5,
        "five_hold_half": 0.5 - runs["five"],
    }
    log_size = np.log2(runs["train_size"].values * present)
    found = {}
    for name, curve in curves.items():
        crossing = analysis.time_to_threshold(
            curve.assign_coords(train_size=log_size), 0.0, "train_size", direction="falling", stays=True
        )
        found[name] = crossing["time"].where(crossing["outcome"] == "reached")
    return xr.Dataset(found).drop_attrs()
