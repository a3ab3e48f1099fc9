"""Numbers of the study toy-double-descent: what two hidden dimensions are spent on, and where points give way to features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.experiment import Experiment
from memjax.measure import measure
from memjax.measures import feature_dimensionality
from memjax.results.snapshots import Snapshot
from memjax.studies.kit import Estimate, estimate, fitted
from memjax.tasks import SparseFeatures

__all__ = [
    "PENTAGON",
    "SIGNS",
    "Crossover",
    "Pair",
    "best_of",
    "best_runs",
    "crossover",
    "load",
    "loads_of",
    "of_peak",
    "pair_of",
    "random_spread",
    "spread_of_angles",
]

PENTAGON = 5
"""Features that two hidden dimensions hold at large T, as published."""

SIGNS = {
    "back_below_zero": "test loss back below 1",
    "half_norm": "norm below half its maximum",
    "uneven": "D_X below half of m / T",
    "five_hold_half": "five features hold half of D_f",
}
"""What a crossing is read from: a curve that passes a level for good."""

Pair = tuple[int, float]
"""Number of features n and sparsity S."""

Crossover = Mapping[str, Estimate]
"""Numbers of the bump of the test loss, and the crossings that `SIGNS` names."""


def geometry(snapshot: Snapshot) -> Mapping[str, Any]:
    """Hidden vectors h of the train examples, feature vectors W_i, and the dimensionality of each of either.

    D_X = ||h_i||^2 / sum_j (hhat_i . h_j)^2 and D_f the same of the W_i (T. Henighan et al., 2023).
    """
    hidden = np.asarray(snapshot.hidden(snapshot.train.x)["hidden"], np.float64)
    features = np.asarray(snapshot.params["tied"]["kernel"], np.float64)
    return {
        "hidden": (("example", "unit"), hidden),
        "features": (("feature", "unit"), features),
        "d_x": (("example",), feature_dimensionality(hidden)),
        "d_f": (("feature",), feature_dimensionality(features)),
    }


def best_runs(dataset: xr.Dataset) -> xr.Dataset:
    """Final losses, norm and `geometry` of a sweep with one snapshot, of the final step, as `best_of` gives them."""
    end = dataset[["train_loss", "test_loss", "weight_l2"]].isel(step=-1).reset_coords(drop=True)
    return best_of(end.merge(measure(dataset, [geometry]).isel(snapshot=-1, drop=True)))


def best_of(runs: xr.Dataset) -> xr.Dataset:
    """Of every data set, the initialisation with the least train loss, and numbers of its geometry.

    ``even``: median D_X over m / T, which is 1 for a regular polygon. ``spread_norm``, ``spread_angle``: standard deviation
    over mean of the lengths of the h_i, and of the angles between neighbours. ``five``: share of the five largest in the sum
    of D_f. ``num_large``, ``d_large``, ``spread_large``: number of features at least half as long as the longest, their mean
    D_f, and the spread of their angles. ``inits_spread``: standard deviation of the train loss over initialisations.
    """
    # A run that diverged is no candidate, unless all did.
    chosen = runs["train_loss"].fillna(np.inf).argmin("init_seed")
    best = runs.isel(init_seed=chosen).drop_vars("init_seed").assign(inits_spread=runs["train_loss"].std("init_seed"))
    hidden, features, d_x, d_f = (best[name] for name in ("hidden", "features", "d_x", "d_f"))
    norms, lengths = ((vectors**2).sum("unit", skipna=False) ** 0.5 for vectors in (hidden, features))
    median, large = d_x.median("example"), lengths >= 0.5 * lengths.max("feature")
    five = xr.apply_ufunc(lambda d: np.sort(d)[..., -PENTAGON:].sum(-1), d_f, input_core_dims=[["feature"]])
    return best.assign(
        median_d_x=median,
        even=median * best["train_size"] / best.sizes["unit"],
        spread_norm=norms.std("example") / norms.mean("example"),
        spread_angle=_angles(hidden, "example"),
        five=five / d_f.sum("feature", skipna=False),
        largest_d_f=d_f.max("feature"),
        num_large=large.sum("feature"),
        d_large=d_f.where(large).mean("feature"),
        spread_large=_angles(features.where(large), "feature"),
    )


def _angles(vectors: xr.DataArray, dim: str) -> xr.DataArray:
    return xr.apply_ufunc(spread_of_angles, vectors, input_core_dims=[[dim, "unit"]], vectorize=True)


def spread_of_angles(vectors: npt.ArrayLike) -> float:
    """Standard deviation over mean of the angles between neighbours of vectors ``[N, 2]``, all the way round.

    0 for directions that divide the circle evenly, NaN for fewer than two. Rows with NaN, which stand for nothing, and rows of
    zeros, which have no direction, are left out.
    """
    x, y = np.asarray(vectors, np.float64).T
    there = np.isfinite(x) & np.isfinite(y) & ((x != 0.0) | (y != 0.0))
    turns = np.sort(np.arctan2(y[there], x[there])) / (2.0 * np.pi)
    if turns.size < 2:
        return float("nan")
    gaps = np.diff(turns, append=turns[0] + 1.0)
    return float(gaps.std() * gaps.size)


def random_spread(count: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """`spread_of_angles` of N directions drawn uniformly, from the variance of N random arcs."""
    n = np.asarray(count, np.float64)
    return np.sqrt((n - 1.0) / (n + 1.0))


def pair_of(dataset: xr.Dataset) -> Pair:
    """The pair of a sweep's task."""
    task = cast(SparseFeatures, Experiment.from_json(dataset.attrs["experiment"]).task)
    return task.num_features, task.sparsity


def load(train_size: float, pair: Pair) -> float:
    """T (1 - S): in how many of T points a feature appears on average."""
    return round(train_size * (1.0 - pair[1]), 6)


def loads_of(pairs: Mapping[Pair, xr.Dataset]) -> xr.Dataset:
    """Mean test loss, norm (over its largest mean) and ``five`` ``(pair, load)``, at the loads that all pairs have."""
    curves = []
    for pair, runs in pairs.items():
        one = runs[["test_loss", "weight_l2", "five"]].mean("seed").rename(train_size="load")
        one = one.assign_coords(load=[load(size, pair) for size in runs["train_size"].values.tolist()])
        curves.append(one.expand_dims(pair=[f"n = {pair[0]}, S = {pair[1]:g}"]))
    joined = xr.concat(curves, "pair", join="inner")
    return joined.assign(norm=joined["weight_l2"] / joined["weight_l2"].max("load"))


def crossover(runs: xr.Dataset, pair: Pair) -> Crossover:
    """Bump and crossings of one pair, in units of T (1 - S), with the data sets as ``seed``.

    ``bump``: where the geometric mean of the test loss is largest; ``bump_test_loss``: that mean; ``bump_ratio``: that mean
    over that of the higher end. Of each of `SIGNS` the geometric mean of the crossings, between sizes linear in the logarithm:
    never beyond the largest size, minus infinity before the smallest.
    """
    # Of the logarithm: a few data sets have bumps many times as high as the others.
    logs = cast(xr.DataArray, np.log2(runs["test_loss"]))
    top, count = analysis.peak(logs), logs.sizes["seed"]
    found = {
        "bump": of_peak(top, "location", count, lambda size: load(size, pair)),
        "bump_test_loss": of_peak(top, "height", count, np.exp2),
        "bump_ratio": of_peak(top, "prominence", count, np.exp2),
    }
    norm = runs["weight_l2"]
    curves = {
        "back_below_zero": runs["test_loss"] - 1.0,
        "half_norm": norm / norm.max("train_size") - 0.5,
        "uneven": runs["even"] - 0.5,
        "five_hold_half": 0.5 - runs["five"],
    }
    log_load = np.log2([load(size, pair) for size in runs["train_size"].values.tolist()])
    for name, curve in curves.items():
        at = curve.assign_coords(train_size=log_load)
        crossing = analysis.time_to_threshold(at, 0.0, "train_size", direction="falling", stays=True)
        times = (2.0 ** crossing["time"]).where(crossing["outcome"] != "from the start", -np.inf)
        found[name] = estimate(times, "geometric")
    return found


def of_peak(top: xr.Dataset, name: str, count: int, to: Callable[[float], float] = float) -> Estimate:
    """One of the numbers that `memjax.analysis.peak` gives of so many seeds, with its interval, in other units."""
    one = fitted(top, name, count)
    return replace(one, value=float(to(one.value)), low=float(to(one.low)), high=float(to(one.high)))
