"""What the study data-dimensionality compares and shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.experiment import Experiment
from memjax.studies.data_dimensionality import figures, numbers
from memjax.studies.data_dimensionality.numbers import apart, at_end, before_and_after, between_seeds, over_pairs
from memjax.studies.kit import Claim, Columns, Findings, Table, above, below, estimate, grid, listed, near, text
from memjax.studies.kit.verdict import Rule
from memjax.tasks import Images

__all__ = ["MEASURED", "analyse", "claims", "tables"]

MEASURED = "_dimensionality"
"""What follows the name of a sweep in the name of the dataset that is measured on its networks."""

Values = Mapping[str, xr.Dataset]
_DIGITS = ("digits", "mnist")
_UNCHANGED = "hardly any change, by its figures"
_OWN, _OURS = "D along the point's own activations", "asked here only"


def analyse(datasets: Values) -> Findings:
    """Claims, tables and figures from what was measured on the networks of all sweeps."""
    values = {name.removesuffix(MEASURED): part for name, part in datasets.items() if name.endswith(MEASURED)}
    runs = datasets["stages"]
    stages = numbers.by_stage(runs, values["stages"])
    images = cast(Images, Experiment.from_json(runs.attrs["experiment"]).task).dataset
    return Findings(
        claims=claims(values, stages, images),
        tables=tables(values, stages),
        figures=figures.all_figures(values, runs),
        note=_NOTE,
    )


def claims(values: Values, by_step: xr.Dataset, images: str) -> list[Claim]:
    """Every finding of the post, and what exact values say of it; findings on single digits are asked of digits only."""
    stages = values["stages"]
    return [
        _sum(values),
        *_seeds(stages, by_step),
        *_errors(by_step),
        _classes(stages),
        *([_digits(stages, 0, 1), _digits(stages, 8, 5)] if images in _DIGITS else []),
        _widths(values["widths"]),
        *_sizes(values["sizes"]),
        *_settings(values),
        *_of_points(stages),
    ]


def _sum(values: Values) -> Claim:
    error = max(float(abs(part["data_dimensionality"].sum("example") - part["rank"]).max()) for part in values.values())
    lost = np.concatenate([(part["live_neurons"] - part["rank"]).values.ravel() for part in values.values()])
    lost = lost[np.isfinite(lost)]
    what, whole = "share of networks in which D* sums to the number of live neurons", near(1.0, within=0.0)
    remark = f"D* sums to the rank, to {error:.0e}, which is up to {lost.max():.0f} less than the live neurons"
    return Claim(what, "all", xr.DataArray(lost == 0, dims="network"), whole, "share", remark=remark, main=True)


def _seeds(stages: xr.Dataset, by_step: xr.Dataset) -> list[Claim]:
    last = at_end(stages["data_dimensionality"])
    rank, moved = over_pairs(between_seeds, last), by_step["moved"].isel(step=-1) / apart(last).mean()
    what = "Spearman correlation of the points' D* between two seeds"
    trained = "distance of the sorted curves before and after training, over that of two seeds"
    return [
        Claim(what, "above 0.87, for 5,000 points", rank, above(0.87), main=True),
        Claim(trained, _UNCHANGED, moved, below(1.0), "geometric", main=True),
    ]


def _errors(by_step: xr.Dataset) -> list[Claim]:
    """At the first and at the last stage, after some training, at which every seed has errors enough."""
    share = by_step["share"].isel(step=slice(1, None))
    asked = share["step"][share.notnull().all("seed")].values.tolist()
    first, last = (share.sel(step=asked[at]) if asked else share.isel(step=at) * np.nan for at in (0, -1))
    name = "probability that a misclassified train point has a larger D* than a right one, at step"
    return [
        Claim(f"{name} {int(first['step'])}", "slightly above 0.5 at lower accuracy", first, above(0.5)),
        Claim(f"{name} {int(last['step'])}", 0.5, last, remark="published: spread evenly"),
    ]


def _classes(stages: xr.Dataset) -> Claim:
    ranks, chance = numbers.by_class(stages)["percentile"].sel(training="after"), numbers.chance_range(stages)
    means, spread = ranks.mean("seed"), ranks.max("class") - ranks.min("class")
    ends = f"from class {int(means.idxmin('class'))} to class {int(means.idxmax('class'))}"
    remark = f"{ends}; by chance below {chance:.1f} in 95% of shuffles"
    what, published = "range of the mean percentiles of the classes along D*", "classes are not spread evenly"
    return Claim(what, published, spread, above(chance), remark=remark)


def _digits(stages: xr.Dataset, one: int, other: int) -> Claim:
    scores, labels = before_and_after(stages["data_dimensionality"]), stages["label"].isel(snapshot=0, drop=True)
    share = analysis.mann_whitney(scores.where(labels.isin([one, other])), labels == one, "example")["share"]
    told = (one, other) == (8, 5)
    what = f"probability that the digit {one} has a larger D* than the digit {other}"
    published = f"{one}s are far more regular than {other}s" if told else "drawn, not counted"
    before = f"before training {text(estimate(share.sel(training='before')))}"
    return Claim(what, published, share.sel(training="after"), below(0.5) if told else None, remark=before)


def _widths(varied: xr.Dataset) -> Claim:
    scores = at_end(varied["data_dimensionality"]).reset_coords(drop=True)
    matrix = analysis.spearman_matrix(scores, "hidden", "example")
    places = range(matrix.sizes["hidden"] - 1)
    near_ones = xr.concat([matrix.isel(hidden=at, other=at + 1, drop=True) for at in places], "pair").mean("pair")
    far = matrix.isel(hidden=0, other=-1, drop=True)
    what = "Spearman correlation of D* between neighbouring widths, less that of the narrowest and the widest"
    published = "above 0: the order agrees less, the more widths differ"
    both = f"{text(estimate(near_ones))} and {text(estimate(far))}"
    return Claim(what, published, near_ones - far, above(0.0), remark=both)


def _sizes(varied: xr.Dataset) -> list[Claim]:
    # Where there are hardly more points than neurons, every point has nearly all of a direction.
    room = varied["train_size"] >= 2 * at_end(varied["num_neurons"]).max()
    scores = at_end(varied["data_dimensionality"]).isel(train_size=np.flatnonzero(room)).isel(train_size=[0, -1])
    few, many = scores["train_size"].values.tolist()
    what = "span of the middle half of the points along D*{}, for {} points over that for {}"
    published, found = "below 1: larger data sets have flatter curves", []
    for unit, one in {"": scores, " in units of the mean D*": scores / scores.mean("example")}.items():
        span = one.quantile([0.25, 0.75], "example").diff("quantile").squeeze("quantile", drop=True)
        small, large = (span.isel(train_size=at) for at in (0, 1))
        both = f"{text(estimate(large))} and {text(estimate(small))}"
        name = what.format(unit, many, few)
        found.append(Claim(name, published, large / small, below(1.0), "geometric", remark=both))
    return found


def _settings(values: Values) -> list[Claim]:
    decays, inputs = (numbers.from_first(values[name], numbers.VARIED[name]) for name in ("decays", "inputs"))
    what = "distance of the sorted curves with {}, over that of two seeds"
    moved = {what.format(f"weight decay {label:g} and without"): decays.sel(weight_decay=label)
             for label in decays["weight_decay"].values.tolist()}  # fmt: skip
    scaled = what.format("inputs of unit l2 norm and with raw ones")
    return [
        *(Claim(decayed, _UNCHANGED, ours, below(1.0), "geometric") for decayed, ours in moved.items()),
        Claim(scaled, "both drawn", inputs.isel(scale=0), of="geometric"),
    ]


def _of_points(stages: xr.Dataset) -> list[Claim]:
    """D* of single points beside that of their pixels, its null, and the share along the point's own activations."""
    scores, own = before_and_after(stages["data_dimensionality"]), at_end(stages["own_dimensionality"])
    pixels, last = analysis.spearman(scores, stages["input_dimensionality"], "example"), scores.sel(training="after")
    return [
        *_both("Spearman correlation of D* with D* of the pixels themselves", "asked by readers", pixels),
        *_null(stages),
        Claim(f"Spearman correlation of D* with {_OWN}", _OURS, analysis.spearman(own, last, "example")),
        Claim(f"median over the points of {_OWN}, over D*", _OURS, (own / last).median("example")),
    ]


def _null(stages: xr.Dataset) -> list[Claim]:
    scores, r = before_and_after(stages["data_dimensionality"]), float(stages["rank"].mean())
    count = scores.sizes["example"]
    ratio = scores.std("example") / np.sqrt(2 * r * (count - r) / (count**2 * (count + 2)))
    name = "standard deviation of D* over that of Gaussian activations of the same rank"
    return _both(name, "asked by readers: is it 1?", ratio, near(1.0))


def _both(name: str, published: str, values: xr.DataArray, rule: Rule | None = None) -> list[Claim]:
    times = ("before", "after")
    return [Claim(f"{name}, {when} training", published, values.sel(training=when), rule) for when in times]


def tables(values: Values, by_step: xr.Dataset) -> dict[str, Table]:
    """Rank and spread by network, stages of training, classes, and agreement between networks."""
    stages = {
        "train accuracy": "train_accuracy",
        "test accuracy": "test_accuracy",
        "misclassified": "wrong",
        "P(wrong above right)": "share",
        "Spearman with the end": "to_end",
        "curve moved": "moved",
    }
    classes: Columns = {
        "percentile before training": lambda part: part["percentile"].sel(training="before"),
        "percentile after training": lambda part: part["percentile"].sel(training="after"),
        "share wrong at the first stage": "wrong",
    }
    places, along = numbers.by_class(values["stages"]), "Classes along the spectrum"
    return {
        "rank": _spectra(values),
        "stages": grid(by_step, {"step": "step"}, stages, title="Stages of training", note=_STAGES_NOTE),
        "classes": grid(places, {"class": "class"}, classes, title=along, note=_CLASSES_NOTE),
        "correlations": _correlations(values),
    }


def _spectra(values: Values) -> Table:
    networks, times, parts = zip(*numbers.spectra(values), strict=True)
    columns: Columns = {
        "N": lambda part: int(part["points"]),
        "neurons": lambda part: int(part["num_neurons"].max()),
        "live": "live_neurons",
        "rank": "rank",
        "live - rank": lambda part: part["live_neurons"] - part["rank"],
        **{f"{at:.0%}": partial(_quantile, "curve", at) for at in numbers.QUANTILES},
        **{f"null's {at:.0%}": partial(_quantile, "null", at) for at in numbers.QUANTILES},
    }
    heads = {"network": networks, "training": times}
    return listed(heads, parts, columns, title="Rank and spread of D*", note=_RANKS_NOTE)


def _quantile(name: str, at: float, part: xr.Dataset) -> float:
    return float(part[name].sel(quantile=at).mean())


def _correlations(values: Values) -> Table:
    rows: list[tuple[str, Any, Any]] = []
    for name, axis in numbers.VARIED.items():
        rows += numbers.pairs_of_labels(values[name], axis)
    scores = before_and_after(values["stages"]["data_dimensionality"])
    for when in ("before", "after"):
        one = scores.sel(training=when)
        rows.append((f"two seeds, {when} training", over_pairs(between_seeds, one), over_pairs(apart, one)))
    heads, title = {"compared": [name for name, *_ in rows]}, "Agreement of D* between networks"
    columns = {"Spearman": lambda row: row[1], "curves apart": lambda row: row[2]}
    return listed(heads, rows, columns, title=title, note=_PAIRS_NOTE)


_NOTE = (
    "Hobbhahn's post gives D* by gradient ascent, which can only read low; its optimizer and its widths are not given. "
    "Here D* is exact. The findings on classes, widths, numbers of examples, weight decay and training are put as we "
    "remember the post's summary, not in its words. Distances of sorted curves are mean differences in units of the mean "
    "D*; the distance of two seeds is the mean over all pairs and counts as exact. Intervals of pairs of seeds come from "
    "leaving out one seed. All networks see the same points, so nothing here shows what causes what."
)
_RANKS_NOTE = (
    "The rank of the hidden activations is the number of live neurons only where those are linearly independent on the data. "
    "Quantiles are means over seeds of D* over its mean, rank / N; the null's are of Gaussian activations of the same rank."
)
_STAGES_NOTE = (
    "P(wrong above right) is the probability that a misclassified train point has a larger D* than one classified right "
    "(Mann-Whitney), not known below five errors. The curve's move is its mean distance from the curve before training, in "
    "units of the mean D*."
)
_CLASSES_NOTE = (
    "Numbers are percentiles of D* among all train points, with 0 for the most regular, as means over the points of a "
    "class."
)
_PAIRS_NOTE = (
    "The Spearman (rank) correlation is over the points that both networks were trained on, and the distance is the mean "
    "distance of the sorted curves in units of the mean D*. Networks with another setting are compared at the same seed, "
    "and seeds by all pairs."
)
