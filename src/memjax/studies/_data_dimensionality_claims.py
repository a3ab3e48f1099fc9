"""The findings of the post beside ours, in the study data-dimensionality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies._data_dimensionality_values import (
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

__all__ = ["claims"]

Values = Mapping[str, xr.Dataset]
_NAMED = ("digits", "mnist")
_ONE_SEED = "one seed cannot say"


def claims(values: Values, pictures: xr.Dataset, dataset: str) -> Table:
    """Every finding with what exact values say of it.

    Parameters
    ----------
    values
        Dimensionalities by sweep.
    pictures
        With ``input_dimensionality``.
    dataset
        Name of the images: findings on single digits are asked of digits only.
    """
    rows = [
        *(one(values) for one in (_sum, _seeds, _training, _errors_late, _errors_early, _classes)),
        *([_digits(values, 0, 1), _digits(values, 8, 5)] if dataset in _NAMED else []),
        *(one(values) for one in (_widths, _sizes, _decays, _inputs)),
        _pixels(values, pictures),
        _null(values),
        _own(values),
    ]
    head = ("finding", "published", "ours", "so")
    return Table("The post's findings beside exact values", head, tuple(rows), _NOTE)


_NOTE = (
    "Published is what the text of the post says, or what is known of its figures; its optimizer and its widths are not "
    "given, and its D* come from gradient ascent, which can only read low. Ours: means over seeds with 95% intervals, "
    "or ranges over pairs of seeds in brackets. Distances between sorted curves are mean differences in units of the mean D*. "
    "The findings on classes, widths, numbers of examples, weight decay and training are put here as we remember the post's "
    "summary, not in its words. Two quantities that move together here have no proven cause: all networks see the same points."
)


def _sum(values: Values) -> tuple[str, ...]:
    scores = {name: part["data_dimensionality"].sum("example") for name, part in values.items()}
    error = max(float(abs(scores[name] - part["rank"]).max()) for name, part in values.items())
    lost = np.concatenate([(part["live_neurons"] - part["rank"]).values.ravel() for part in values.values()])
    lost = lost[np.isfinite(lost)]
    equal = float((lost == 0).mean())
    ours = f"sum = rank to {error:.0e}; live - rank is 0 in {equal:.0%} of {lost.size} networks, up to {lost.max():.0f}"
    so = "confirmed" if equal == 1 else "refuted: the sum is the rank, and live neurons can be dependent"
    return "the sum of D* is the number of neurons that are not dead", "stated", ours, so


def _seeds(values: Values) -> tuple[str, ...]:
    scores = at_end(values["stages"]["data_dimensionality"])
    ranks = between_seeds(scores)
    finding, published = "other seeds: the same order of the points (Spearman)", "above .87 for 5,000 points"
    if not ranks.notnull().any():
        return finding, published, _range(ranks), _ONE_SEED
    ours = f"{_range(ranks)}; sorted curves {_range(apart(scores))} apart"
    so = "confirmed" if float(ranks.min()) > 0.87 else "lower here" if float(ranks.max()) < 0.87 else "partly"
    return finding, published, ours, so


def _training(values: Values) -> tuple[str, ...]:
    scores = values["stages"]["data_dimensionality"]
    first, last = (scores.isel(snapshot=at, drop=True) for at in (0, -1))
    moved, rank = curve_distance(sorted_curves(first), sorted_curves(last)), analysis.spearman(first, last, "example")
    seeds = apart(last)
    between = f"{_range(seeds)} between seeds" if seeds.notnull().any() else _range(seeds)
    ours = f"curve moves by {mean_shown(moved)}, {between}; Spearman of before and after {mean_shown(rank)}"
    return "training hardly changes the shape of the curve", "its figures", ours, _beside_seeds(moved, seeds)


def _beside_seeds(moved: xr.DataArray, seeds: xr.DataArray) -> str:
    low = float(analysis.mean_interval(moved)["mean_interval"][0])
    if np.isnan(low):
        return _ONE_SEED
    if low > float(seeds.max()):
        return "refuted: training moves it more than a seed does"
    ours, usual = float(moved.mean()), float(seeds.mean())
    if ours <= usual:
        return "confirmed: no more than between seeds"
    if usual == 0:
        return "not told apart, but seeds are alike"
    return f"not told apart: {ours / usual:.1f} times a seed's change"


def _errors_late(values: Values) -> tuple[str, ...]:
    share, finding = _asked(values), "misclassified train points are spread evenly along D*"
    if not share.size:
        return finding, "evenly", *_TOO_FEW
    last = share.isel(snapshot=-1)
    shown = f"P(wrong above right) = {mean_shown(last)} at step {int(last['snapshot'])}"
    return finding, "evenly", shown, _side(last)


def _errors_early(values: Values) -> tuple[str, ...]:
    share, finding = _asked(values), "at lower accuracy, errors lean slightly to the side of high D*"
    if not share.size:
        return finding, "slightly", *_TOO_FEW
    steps = share["snapshot"].values.tolist()
    shown = "; ".join(f"{mean_shown(share.sel(snapshot=step))} at step {step}" for step in steps)
    if share.sizes["seed"] == 1:
        return finding, "slightly", shown, _ONE_SEED
    means = share.mean("seed")
    so = "confirmed" if float(means.min()) > 0.5 else "refuted" if float(means.max()) < 0.5 else "at some stages"
    return finding, "slightly", shown, so


_TOO_FEW = ("too few errors at any stage", "not asked")


def _asked(values: Values) -> xr.DataArray:
    """Shares of the stages after some training where every seed has errors enough."""
    share = error_share(values["stages"]).isel(snapshot=slice(1, None))
    return share.isel(snapshot=np.flatnonzero(share.notnull().all("seed")))


def _side(share: xr.DataArray) -> str:
    low, high = analysis.mean_interval(share)["mean_interval"].values
    if np.isnan(low):
        return _ONE_SEED
    return "leans to high D*" if low > 0.5 else "leans to low D*" if high < 0.5 else "not told from even"


def _classes(values: Values) -> tuple[str, ...]:
    ranks, labels = (
        percentiles(at_end(values["stages"]["data_dimensionality"])),
        values["stages"]["label"].isel(snapshot=0),
    )
    means = {int(c): ranks.where(labels == c).mean("example").mean("seed") for c in np.unique(labels)}
    least, most = min(means, key=lambda c: float(means[c])), max(means, key=lambda c: float(means[c]))
    ours = f"mean percentile from {float(means[least]):.0f} (class {least}) to {float(means[most]):.0f} (class {most})"
    chance = _chance_range(ranks, labels)
    wide = float(means[most] - means[least]) > chance
    ours += f"; by chance the range is below {chance:.0f} in 95% of shuffles"
    return "classes are not spread evenly along D*", "stated", ours, "confirmed" if wide else "not told from chance"


def _chance_range(ranks: xr.DataArray, labels: xr.DataArray) -> float:
    """95% quantile of the range of class means when labels are shuffled."""
    rng, mean = np.random.default_rng(0), ranks.mean("seed").values
    own = labels.isel(seed=0).values.astype(int)
    ranges = []
    for _ in range(200):
        totals = np.bincount(rng.permutation(own), mean) / np.bincount(own)
        ranges.append(np.ptp(totals))
    return float(np.quantile(ranges, 0.95))


def _digits(values: Values, one: int, other: int) -> tuple[str, ...]:
    part = values["stages"].isel(snapshot=[0, -1])
    kept = part["data_dimensionality"].where(part["label"].isin([one, other]))
    share = analysis.mann_whitney(kept, part["label"] == one, "example")["share"]
    before, after = (share.isel(snapshot=at) for at in (0, 1))
    finding = f"{one}s against {other}s: P(D* of a {one} above that of a {other})"
    published = "drawn, not counted" if (one, other) == (0, 1) else f"{one}s far more regular than {other}s"
    side = f"{one}s have the larger D*" if float(after.mean()) > 0.5 else f"{other}s have the larger D*"
    return finding, published, f"{mean_shown(after)}; {mean_shown(before)} before training", side


def _widths(values: Values) -> tuple[str, ...]:
    near, far = _near_and_far(values["widths"], "hidden")
    ours = f"Spearman {near:.3f} between neighbours, {far:.3f} between the ends"
    so = "confirmed" if far < near else "refuted"
    return "the order of the points agrees less, the more widths differ", "stated", ours, so


def _near_and_far(dataset: xr.Dataset, axis: str) -> tuple[float, float]:
    matrix = analysis.spearman_matrix(at_end(dataset["data_dimensionality"]).reset_coords(drop=True), axis, "example")
    mean = matrix.mean("seed").values
    return float(np.diag(mean, 1).mean()), float(mean[0, -1])


def _sizes(values: Values) -> tuple[str, ...]:
    # Where there are hardly more points than neurons, every point has nearly all of a direction.
    room = values["sizes"]["train_size"] >= 2 * at_end(values["sizes"]["num_neurons"]).max()
    scores = at_end(values["sizes"]["data_dimensionality"]).isel(train_size=np.flatnonzero(room))
    middle = [_middle(part).isel(train_size=[0, -1]).values for part in (scores, scores / scores.mean("example"))]
    sizes = scores["train_size"].values[[0, -1]]
    shown = [f"{a:.2g} for N = {n}, {b:.2f} of the mean" for n, a, b in zip(sizes, *middle, strict=True)]
    ours = f"the middle half of the points spans {'; '.join(shown)}"
    flatter = [part[1] < part[0] for part in middle]
    so = "confirmed" if all(flatter) else "in absolute terms only: the mean falls faster" if flatter[0] else "refuted"
    return "larger data sets have flatter curves", "flatter in the middle", ours, so


def _middle(scores: xr.DataArray) -> xr.DataArray:
    """Spread of the middle half of the points ``(train_size,)``, mean over seeds."""
    ends = scores.quantile([0.25, 0.75], "example")
    return (ends.isel(quantile=1) - ends.isel(quantile=0)).mean("seed")


def _decays(values: Values) -> tuple[str, ...]:
    return "weight decay hardly changes the curve", "its figures", *_against_first(values["decays"], "weight_decay")


def _inputs(values: Values) -> tuple[str, ...]:
    return "inputs of unit l2 norm against raw ones", "both drawn", *_against_first(values["inputs"], "scale")


def _against_first(dataset: xr.Dataset, axis: str) -> tuple[str, str]:
    scores = at_end(dataset["data_dimensionality"])
    curves, labels = sorted_curves(scores), scores[axis].values.tolist()
    moved = {
        label: curve_distance(curves.isel({axis: 0}), curves.sel({axis: label})).mean("seed") for label in labels[1:]
    }
    rank = analysis.spearman(scores.isel({axis: 0}, drop=True), scores.isel({axis: -1}, drop=True), "example")
    pairs = apart(scores)
    seeds = float(pairs.mean()) if pairs.notnull().any() else np.nan
    shown = ", ".join(f"{float(distance):.3f} at {axis} = {label}" for label, distance in moved.items())
    between = "one seed" if np.isnan(seeds) else f"{seeds:.3f} between seeds"
    ours = f"moves by {shown} ({between}); Spearman of the ends {float(rank.mean()):.3f}"
    if np.isnan(seeds):
        return ours, _ONE_SEED
    beyond = [str(label) for label, distance in moved.items() if float(distance) > 2 * seeds]
    so = f"more than twice a seed's change at {', '.join(beyond)}" if beyond else "confirmed: as little as a seed does"
    return ours, so


def _pixels(values: Values, pictures: xr.Dataset) -> tuple[str, ...]:
    scores = values["stages"]["data_dimensionality"]
    inputs = pictures["input_dimensionality"]
    before, after = (analysis.spearman(scores.isel(snapshot=at, drop=True), inputs, "example") for at in (0, -1))
    ours = f"Spearman with D* of the pixels: {mean_shown(before)} before training, {mean_shown(after)} after"
    return "how much of it is the data's own, before any network?", "asked by readers", ours, _reading(before, after)


def _reading(before: xr.DataArray, after: xr.DataArray) -> str:
    falls = float(after.mean()) < float(before.mean())
    return f"much is the pixels', {'less so' if falls else 'no less'} after training"


def _own(values: Values) -> tuple[str, ...]:
    last = values["stages"].isel(snapshot=-1)
    rank = analysis.spearman(last["own_dimensionality"], last["data_dimensionality"], "example")
    ratio = (last["own_dimensionality"] / last["data_dimensionality"]).median("example")
    low = float(rank.mean()) < 0.5
    ours = f"Spearman {mean_shown(rank)}; median D over D* {mean_shown(ratio)}"
    so = "it is another quantity" if low else "it orders the points much alike"
    return "D along a point's own activations, instead of the maximum", "not asked", ours, so


def _null(values: Values) -> tuple[str, ...]:
    scores, rank = values["stages"]["data_dimensionality"], values["stages"]["rank"]
    count = scores.sizes["example"]
    r = float(rank.mean())
    null = np.sqrt(2 * r * (count - r) / (count**2 * (count + 2)))
    before, after = (scores.isel(snapshot=at).std("example") / null for at in (0, -1))
    ours = f"its spread over that of the null: {mean_shown(before)} before training, {mean_shown(after)} after"
    return "the curve is that of activations without structure", "asked by readers", ours, _beyond(before)


def _beyond(ratio: xr.DataArray) -> str:
    low = float(analysis.mean_interval(ratio)["mean_interval"][0])
    if np.isnan(low):
        return _ONE_SEED
    return "refuted, before training already" if low > 1 else "not told apart before training"


def _range(values: xr.DataArray, form: Callable[[Any], str] = "{:.3f}".format) -> str:
    if not values.notnull().any():
        return "one seed"
    return f"{form(float(values.mean()))} ({form(float(values.min()))} to {form(float(values.max()))})"
