"""Tables of the study data-dimensionality."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies._data_dimensionality_values import (
    VARIED,
    apart,
    at_end,
    between_seeds,
    curve_distance,
    error_share,
    percentiles,
    sorted_curves,
)
from memjax.studies._text import mean_shown
from memjax.studies.study import Table

__all__ = ["classes", "correlations", "ranks", "stages"]

Values = Mapping[str, xr.Dataset]


def ranks(values: Values) -> Table:
    """Sum of D*, rank, live neurons and the shape of the curve, before and after training, by width and other settings."""
    rows = []
    for name, axis in VARIED.items():
        dataset = values[name]
        for label in dataset[axis].values.tolist():
            for when, text in ((0, "before"), (-1, "after")):
                rows.append((f"{axis} = {label}", text, *_rank_row(dataset.sel({axis: label}), when)))
    head = (
        "network",
        "training",
        "N",
        "neurons",
        "live",
        "rank",
        "live - rank",
        "sum of D*",
        "5%",
        "50%",
        "95%",
        "null's 5%",
    )
    return Table("Sum, rank and spread of D*", (*head, "50%", "95%"), tuple(rows), _RANKS_NOTE)


def _rank_row(dataset: xr.Dataset, when: int) -> tuple[str, ...]:
    one = {name: dataset[name].isel(snapshot=0) if when == 0 else at_end(dataset[name]) for name in _COUNTED}
    scores, count = one["data_dimensionality"], int(one["data_dimensionality"].isel(seed=0).notnull().sum())
    spread = (scores / scores.mean("example")).quantile([0.05, 0.5, 0.95], "example").mean("seed").values
    null = analysis.leverage_null(count, round(float(one["rank"].mean())), [0.05, 0.5, 0.95])
    null = np.asarray(null) * count / float(one["rank"].mean())
    counted = [one["num_neurons"], one["live_neurons"], one["rank"], one["live_neurons"] - one["rank"]]
    total = scores.sum("example")
    return (
        str(count),
        *(_range(part) for part in counted),
        _range(total, ".6f"),
        *(f"{value:.2f}" for value in (*spread, *null)),
    )


_COUNTED = ("data_dimensionality", "rank", "live_neurons", "num_neurons")


def _range(values: xr.DataArray, form: str = "g") -> str:
    ends = [f"{float(end):{form}}" for end in (values.min(), values.max())]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


_RANKS_NOTE = (
    "D* sums to the rank of the hidden activations, which is the number of live neurons only where those are linearly "
    "independent on the data. Quantiles of D* are over its mean, rank / N, and averaged over seeds; the null's are those of "
    "Gaussian activations of the same rank, a Beta distribution. Where there is a range, it is over seeds."
)


def stages(dataset: xr.Dataset, values: xr.Dataset) -> Table:
    """Accuracy, errors and where they lie along the spectrum, stage by stage."""
    share, to_end = error_share(values), _to_end(values)
    moved = curve_distance(sorted_curves(values["data_dimensionality"]), _first(values))
    rows = []
    for step in values["snapshot"].values.tolist():
        at = dataset.sel(step=step)
        wrong = values["wrong"].sel(snapshot=step).sum("example")
        rows.append(
            (
                str(step),
                *(mean_shown(part) for part in (at["train_accuracy"], at["test_accuracy"], wrong)),
                mean_shown(share.sel(snapshot=step)) if share.sel(snapshot=step).notnull().any() else "too few errors",
                mean_shown(to_end.sel(snapshot=step)),
                mean_shown(moved.sel(snapshot=step)),
            )
        )
    head = ("step", "train accuracy", "test accuracy", "misclassified", "P(wrong above right)", "Spearman with the end")
    return Table("Where misclassified points lie", (*head, "curve moved"), tuple(rows), _STAGES_NOTE)


def _to_end(values: xr.Dataset) -> xr.DataArray:
    scores = values["data_dimensionality"]
    return analysis.spearman(scores, scores.isel(snapshot=-1, drop=True), "example")


def _first(values: xr.Dataset) -> xr.DataArray:
    return sorted_curves(values["data_dimensionality"].isel(snapshot=0, drop=True))


_STAGES_NOTE = (
    "Train points, means over seeds with 95% Student-t intervals: all seeds have the same points. P(wrong above right) is the "
    "probability that a misclassified point has a larger D* than one classified right (Mann-Whitney): 0.5 where errors "
    'are spread evenly. "Curve moved": mean distance of the sorted curve from the one before training, in units of the mean D*.'
)


def classes(values: xr.Dataset) -> Table:
    """Mean percentile of every class along the spectrum, before and after training."""
    ranks = percentiles(values["data_dimensionality"])
    rows = []
    for label in np.unique(values["label"]).astype(int).tolist():
        own = ranks.where(values["label"] == label)
        errors = values["wrong"].where(values["label"] == label).isel(snapshot=1).mean("example")
        cells = [mean_shown(own.isel(snapshot=at).mean("example")) for at in (0, -1)]
        rows.append((str(label), *cells, mean_shown(errors)))
    head = ("class", "percentile before training", "percentile after training", "share wrong at the first stage")
    note = "Percentile of D* among all train points, 0 the most regular: mean over a class, and over seeds with 95% intervals."
    return Table("Classes along the spectrum", head, tuple(rows), note)


def correlations(values: Values) -> Table:
    """Spearman correlations of D* between settings, and how far apart the sorted curves are."""
    rows = []
    for name, axis in VARIED.items():
        scores = at_end(values[name]["data_dimensionality"])
        labels = scores[axis].values.tolist()
        ends = [(labels[0], labels[-1])] if len(labels) > 2 else []
        rows += [_pair_row(scores, axis, *pair) for pair in [*itertools.pairwise(labels), *ends]]
    stages = values["stages"]["data_dimensionality"]
    for text, snapshot in (
        ("other initial parameters, before training", 0),
        ("other initial parameters, after training", -1),
    ):
        part = stages.isel(snapshot=snapshot)
        rows.append((text, _spread(between_seeds(part)), _spread(apart(part))))
    return Table("Agreement of D* between networks", ("compared", "Spearman", "curves apart"), tuple(rows), _PAIRS_NOTE)


def _pair_row(scores: xr.DataArray, axis: str, one: Any, other: Any) -> tuple[str, ...]:
    left, right = (scores.sel({axis: label}, drop=True).reset_coords(drop=True) for label in (one, other))
    # Points of the smaller train set are the first ones of the larger, but curves are of all points of each.
    rank = analysis.spearman(left, right, "example")
    distance = curve_distance(sorted_curves(left), sorted_curves(right))
    return f"{axis} {one} and {other}", _spread(rank), _spread(distance)


def _spread(values: xr.DataArray) -> str:
    if not values.notnull().any():
        return "one seed"
    ends = f" ({float(values.min()):.3f} to {float(values.max()):.3f})" if values.size > 1 else ""
    return f"{float(values.mean()):.3f}{ends}"


_PAIRS_NOTE = (
    "Spearman correlation over the points that both networks were trained on, with the same initial seed where that does not "
    "matter to shapes, and the mean distance of the sorted curves in units of the mean D*; mean and range over seeds or pairs "
    "of seeds, which share points and are no independent samples."
)
