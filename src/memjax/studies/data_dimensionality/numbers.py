"""Numbers of the study data-dimensionality: D* of networks and their points, sorted curves, and what a sweep varies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.experiment import Experiment
from memjax.experiment.draw import draw_split
from memjax.measure import measure
from memjax.measures import data_dimensionality, dimensionality
from memjax.results.snapshots import Snapshot
from memjax.studies.kit import Estimate, fitted
from memjax.tasks import Images
from memjax.types import Data

__all__ = [
    "FEW_ERRORS",
    "QUANTILES",
    "VARIED",
    "apart",
    "at_end",
    "before_and_after",
    "between_seeds",
    "by_class",
    "by_stage",
    "chance_range",
    "curve_distance",
    "extremes",
    "from_first",
    "members",
    "null_curve",
    "of_networks",
    "of_networks_and_pixels",
    "over_pairs",
    "pairs_of_labels",
    "percentiles",
    "sorted_curves",
    "spectra",
    "train_points",
]

FEW_ERRORS = 5
"""Number of misclassified points below which their places are not asked for."""

QUANTILES = (0.05, 0.5, 0.95)
"""Shares of the points at which the shape of a spectrum is shown."""

VARIED = {"widths": "hidden", "sizes": "train_size", "decays": "weight_decay", "inputs": "scale"}
"""Sweeps that vary one thing, and the axis that it is."""


def train_points(runs: xr.Dataset) -> Data:
    """Train images ``[N, ...]`` and labels ``[N]`` of a sweep whose runs all have the same, drawn again from the task."""
    experiment = Experiment.from_json(runs.attrs["experiment"])
    train = draw_split(experiment).train
    return Data(cast(Images, experiment.task).pool[train.x], train.y)


def of_networks(runs: xr.Dataset) -> xr.Dataset:
    """D*, D, rank and live neurons of every snapshot, and ``label`` and ``wrong`` (1 where misclassified) of every point."""
    return measure(runs, [dimensionality(), _errors]).squeeze("layer", drop=True)


def of_networks_and_pixels(runs: xr.Dataset) -> xr.Dataset:
    """The same, and ``input_dimensionality (example)``: D* of the pixels, with a constant as one more input."""
    images, labels = train_points(runs)
    flat = images.reshape(len(labels), -1)
    inputs = np.concatenate([flat, np.ones((len(flat), 1), flat.dtype)], axis=1)
    return of_networks(runs).assign(input_dimensionality=("example", data_dimensionality(inputs)))


def _errors(snapshot: Snapshot) -> dict[str, Any]:
    outputs = np.asarray(snapshot.outputs(snapshot.train.x))
    return {
        "label": ("example", snapshot.train.y),
        "wrong": ("example", (outputs.argmax(axis=1) != snapshot.train.y).astype(np.float32)),
    }


def at_end(values: xr.DataArray) -> xr.DataArray:
    """The last snapshot that each run has."""
    there = values.notnull()
    there = there.any("example") if "example" in there.dims else there
    last = (there * np.arange(1, there.sizes["snapshot"] + 1)).argmax("snapshot")
    return values.isel(snapshot=last).drop_vars("snapshot")


def before_and_after(values: xr.DataArray) -> xr.DataArray:
    """The first and the last snapshot of each run, along ``training``."""
    parts = [values.isel(snapshot=0, drop=True), at_end(values)]
    return xr.concat(parts, xr.Variable("training", ["before", "after"]))


def sorted_curves(values: xr.DataArray, points: int = 401) -> xr.DataArray:
    """Values in descending order over their mean, at even shares of the examples: curves ``(..., share)``."""
    share = np.linspace(0, 1, points)

    def one(row: np.ndarray) -> np.ndarray:
        kept = np.sort(row[np.isfinite(row)])[::-1]
        if not len(kept):
            return np.full(points, np.nan)
        return np.interp(share * (len(kept) - 1), np.arange(len(kept)), kept) / kept.mean()

    before, after = [["example"]], [["share"]]
    curves = xr.apply_ufunc(one, values, input_core_dims=before, output_core_dims=after, vectorize=True)
    return cast(xr.DataArray, curves.assign_coords(share=share))


def curve_distance(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Mean difference between two sorted curves, in units of the mean D* (the Wasserstein distance of the distributions)."""
    return abs(one - other).mean("share")


def between_seeds(scores: xr.DataArray) -> xr.DataArray:
    """Spearman correlation of the points' values between all pairs of seeds ``(..., pair)``."""
    return _pairs(analysis.spearman_matrix(scores, "seed", "example"))


def apart(scores: xr.DataArray) -> xr.DataArray:
    """Distance of the sorted curves of all pairs of seeds ``(..., pair)``."""
    curves = sorted_curves(scores)
    return _pairs(curve_distance(curves, curves.rename(seed="other")))


def _pairs(matrix: xr.DataArray) -> xr.DataArray:
    """Entries above the diagonal of ``(..., seed, other)``."""
    rows, columns = np.triu_indices(matrix.sizes["seed"], 1)
    at = {"seed": xr.DataArray(rows, dims="pair"), "other": xr.DataArray(columns, dims="pair")}
    return matrix.isel(at).reset_coords(drop=True)


def over_pairs(statistic: Callable[[xr.DataArray], xr.DataArray], scores: xr.DataArray) -> Estimate:
    """Mean of `between_seeds` or `apart` over all pairs of seeds, with the range of single pairs.

    Pairs share seeds, so the interval follows from leaving out one seed at a time. ``scores`` are D* ``(seed, example)``.
    """
    pairs, count = statistic(scores), scores.sizes["seed"]
    if count < 2:
        return Estimate(float("nan"), count=0, unknown=count)
    found = fitted(analysis.jackknife(lambda part: float(statistic(part).mean()), scores), "value", count, "interval")
    return replace(found, smallest=float(pairs.min()), largest=float(pairs.max()))


def percentiles(values: xr.DataArray) -> xr.DataArray:
    """Rank of each example's value among all of its run, from 0 (least) to 100."""
    from scipy.stats import rankdata

    def one(row: np.ndarray) -> np.ndarray:
        return 100 * (rankdata(row, nan_policy="omit") - 1) / max(np.isfinite(row).sum() - 1, 1)

    dims = [["example"]]
    ranks = xr.apply_ufunc(one, values, input_core_dims=dims, output_core_dims=dims, vectorize=True)
    return cast(xr.DataArray, ranks)


def extremes(means: xr.DataArray, count: int = 24) -> dict[str, xr.DataArray]:
    """The points of least and of most D* ``(example,)``, from the outermost on, with their numbers as coordinate."""
    ranked = means.assign_coords(example=np.arange(means.size))[means.values.argsort()]
    return {"least": ranked[:count], "most": ranked[::-1][:count]}


def by_stage(records: xr.Dataset, stages: xr.Dataset) -> xr.Dataset:
    """Accuracies, and what was measured, at every stage of training ``(seed, step)``; ``share`` is NaN for few errors."""
    scores = stages["data_dimensionality"].reset_coords(drop=True)
    curves, wrong = sorted_curves(scores), stages["wrong"] == 1
    larger = analysis.mann_whitney(stages["data_dimensionality"], wrong, "example")
    found = {
        "wrong": stages["wrong"].sum("example"),
        "share": larger["share"].where(larger["count"] >= FEW_ERRORS),
        "to_end": analysis.spearman(scores, scores.isel(snapshot=-1, drop=True), "example"),
        "moved": curve_distance(curves, curves.isel(snapshot=0, drop=True)),
    }
    accuracies = records[["train_accuracy", "test_accuracy"]].sel(step=scores["snapshot"].values)
    return xr.Dataset(found).reset_coords(drop=True).rename(snapshot="step").merge(accuracies.reset_coords(drop=True))


def members(stages: xr.Dataset) -> xr.DataArray:
    """Whether a point is of a class ``(class, seed, example)``."""
    label = stages["label"].isel(snapshot=0, drop=True)
    classes = np.unique(label).astype(int)
    return xr.concat([label == one for one in classes], xr.Variable("class", classes))


def by_class(stages: xr.Dataset) -> xr.Dataset:
    """Mean ``percentile (class, training, seed)`` of the points of a class, and their share ``wrong`` at the first stage."""
    ranks, wrong = percentiles(before_and_after(stages["data_dimensionality"])), stages["wrong"].isel(snapshot=1)
    means = {
        name: part.where(members(stages)).mean("example") for name, part in (("percentile", ranks), ("wrong", wrong))
    }
    return xr.Dataset(means).reset_coords(drop=True)


def chance_range(stages: xr.Dataset) -> float:
    """95% quantile of the range of the classes' mean percentiles, of means over seeds, when labels are shuffled."""
    labels = stages["label"].isel(snapshot=0, seed=0).values.astype(int)
    mean = percentiles(at_end(stages["data_dimensionality"])).mean("seed").values
    rng = np.random.default_rng(0)
    ranges = [np.ptp(np.bincount(rng.permutation(labels), mean) / np.bincount(labels)) for _ in range(200)]
    return float(np.quantile(ranges, 0.95))


def spectra(values: Mapping[str, xr.Dataset]) -> Iterator[tuple[str, str, xr.Dataset]]:
    """Every network that is varied, before and after training: name, time, and by seed its rank and live neurons.

    ``curve`` and ``null``: quantiles of D* over its mean, ours and those of Gaussian activations of the same rank.
    """
    names = ["num_neurons", "live_neurons", "rank", "data_dimensionality"]
    for name, axis in VARIED.items():
        both = values[name][names].map(before_and_after)
        for label, when in itertools.product(both[axis].values.tolist(), both["training"].values.tolist()):
            one = both.sel({axis: label, "training": when})
            scores = one["data_dimensionality"]
            count = int(scores.notnull().sum("example").max())
            curve = (scores / scores.mean("example")).quantile(QUANTILES, "example")
            null = null_curve(count, one["rank"], QUANTILES)
            yield f"{axis.replace('_', ' ')} = {label}", when, one.assign(points=count, curve=curve, null=null)


def null_curve(count: int, rank: xr.DataArray, quantiles: npt.ArrayLike) -> xr.DataArray:
    """Quantiles of D* over its mean, of ``count`` points with Gaussian activations of the same rank ``(..., quantile)``."""
    live = rank.where(rank > 0)
    return cast(xr.DataArray, analysis.leverage_null(max(count, 1), live, quantiles) * count / live)


def from_first(varied: xr.Dataset, axis: str) -> xr.DataArray:
    """Distance of the sorted curves of all other labels from that of the first ``(axis, seed)``, over that of two seeds."""
    scores = at_end(varied["data_dimensionality"])
    curves = sorted_curves(scores)
    first, others = curves.isel({axis: 0}, drop=True), curves.isel({axis: slice(1, None)})
    return curve_distance(others, first) / apart(scores).mean()


def pairs_of_labels(varied: xr.Dataset, axis: str) -> Iterator[tuple[str, xr.DataArray, xr.DataArray]]:
    """Neighbours and the ends of an axis: name, Spearman correlation ``(seed,)`` and distance of the sorted curves."""
    scores = at_end(varied["data_dimensionality"])
    labels = scores[axis].values.tolist()
    for one, other in [*itertools.pairwise(labels), *([(labels[0], labels[-1])] if len(labels) > 2 else [])]:
        left, right = (scores.sel({axis: label}, drop=True).reset_coords(drop=True) for label in (one, other))
        # Points of the smaller train set are the first ones of the larger, but curves are of all points of each.
        distance = curve_distance(sorted_curves(left), sorted_curves(right))
        yield f"{axis.replace('_', ' ')} {one} and {other}", analysis.spearman(left, right, "example"), distance
