"""Numbers of the study grokking-predictors: its predictors, and how well each goes with the test loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import permutations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Columns, Estimate, Table, estimate, fitted, listed

__all__ = [
    "LABELS", "RECORDED", "TRAINING", "along", "along_evenly", "at_snapshots", "coarse", "correlations", "over_sizes",
    "partial_table", "pooled", "prediction_table", "predictions", "records", "where_known",
]  # fmt: skip

_LAYERS = {"embedding": "embedding", "layer_0": "hidden layer", "layer_1": "unembedding"}
RECORDED = {
    "weight_l2": "L2 norm",
    **{f"l2_{layer}": f"L2 norm, {label}" for layer, label in _LAYERS.items()},
    "minus_train_log_probability": "minus mean log-prob, train",
    "minus_test_log_probability": "minus mean log-prob, test inputs",
    "train_loss": "train loss",
}
"""Predictors that every record has, by the name of their variable."""

TRAINING = tuple(name for name in RECORDED if "test" not in name)
"""Those that see no test example, not even without its label."""

LABELS = {
    **RECORDED,
    "sharpness": "sharpness",
    "llc_thread": "LLC, n beta = 2, as in the thread",
    "llc_10": "LLC, n beta = 10",
    "llc_canonical": "LLC, n beta = n / log n",
}
"""All predictors, those on snapshots after those of every record."""

_SETS = {
    **{label: (name,) for name, label in LABELS.items()},
    "L2 norm and LLC as in the thread": ("weight_l2", "llc_thread"),
    "all that is recorded in training": TRAINING,
    "all that is recorded in training, sharpness, LLC as in the thread": (*TRAINING, "sharpness", "llc_thread"),
}
_PAIRS = [
    *permutations(("llc_thread", "weight_l2")),
    *permutations(("llc_canonical", "weight_l2")),
    *((name, held) for held in ("train_loss", "step") for name in ("llc_thread", "weight_l2")),
    ("minus_train_log_probability", "weight_l2"),
    ("llc_thread", "minus_train_log_probability"),
]


def records(runs: xr.Dataset) -> xr.Dataset:
    """Losses, accuracies and recorded predictors ``(train_size, seed, step)`` of a sweep."""
    runs = runs.reset_coords(drop=True)
    kept = runs[["train_loss", "test_loss", "train_accuracy", "test_accuracy", "weight_l2"]]
    for split in ("train", "test"):
        # Larger where the network is more confident, as a norm is.
        kept[f"minus_{split}_log_probability"] = -runs[f"{split}_log_probability"]
    squares = runs["layer_l2"] ** 2
    for layer in _LAYERS:
        mine = [name for name in squares["parameter"].values.tolist() if name.split("/")[0] == layer]
        kept[f"l2_{layer}"] = squares.sel(parameter=mine).sum("parameter", skipna=False) ** 0.5
    return kept.transpose("train_size", "seed", "step")


def coarse(recorded: xr.Dataset) -> xr.Dataset:
    """About a hundred evenly spaced records, for hidden states: closely spaced ones depend on each other even within one."""
    return recorded.isel(step=slice(None, None, max(1, recorded.sizes["step"] // 100)))


def at_snapshots(recorded: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """All predictors and both losses ``(train_size, seed, step)`` at the snapshots; NaN where there is no estimate."""
    at = recorded.sel(step=found["step"]).assign(sharpness=found["sharpness"])
    for name in found["estimator"].values.tolist():
        at[name] = found["llc"].sel(estimator=name, drop=True)
    return at.transpose("train_size", "seed", "step")


def where_known(at: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Those seeds and steps at which variables have values at all: an estimator may be used on some only."""
    known = at[list(names)].to_array().notnull().all("variable")
    seeds, steps = (known.any([dim for dim in known.dims if dim != kept]) for kept in ("seed", "step"))
    return at.sel(seed=seeds, step=steps)


def over_sizes(values: xr.DataArray) -> xr.DataArray:
    """Mean over train sizes ``(seed,)``: runs of one seed share initial parameters, so seeds are what is independent."""
    return values.mean("train_size", skipna=False)


def along(runs: xr.Dataset, name: str) -> xr.DataArray:
    """Spearman correlation of a predictor with the test loss along each run, ``(train_size, seed)``."""
    return analysis.spearman(runs[name], runs["test_loss"], "step")


def along_evenly(recorded: xr.Dataset, at: xr.Dataset, name: str) -> xr.DataArray:
    """The same over evenly spaced records, for which what is known at snapshots is interpolated linearly between them."""
    known = where_known(at, [name])[name]
    evenly = recorded.sel(seed=known["seed"])
    return along(evenly.assign({name: known.interp(step=recorded["step"])}), name)


def pooled(at: xr.Dataset, name: str, groups: tuple[str, ...] = (), given: tuple[str, ...] = ()) -> Estimate | str:
    """Rank correlation of a predictor with the test loss, by ranks within groups and with others held fixed.

    Its interval is by leaving out one seed at a time. Where nothing varies, these words take its place.
    """
    known = where_known(at, [name, *given])[[name, "test_loss", *given]]

    def ranked(one: xr.Dataset) -> float:
        held = [one[other].broadcast_like(one["test_loss"]) for other in given]
        return analysis.rank_correlation(one[name], one["test_loss"], groups, held)

    found = analysis.jackknife(ranked, known)
    found["interval"] = found["interval"].clip(-1.0, 1.0)
    return fitted(found, "value", known.sizes["seed"], "interval") if found["value"].notnull() else "nothing varies"


def correlations(recorded: xr.Dataset, at: xr.Dataset) -> Table:
    """Correlation of every predictor with the test loss: along runs, over all of them, and between them."""
    columns: Columns = {
        "along a run, all records": lambda name: (
            over_sizes(along(recorded, name)) if name in RECORDED else "not recorded"
        ),
        "along a run, interpolated": lambda name: over_sizes(along_evenly(recorded, at, name)),
        "along a run, snapshots": lambda name: over_sizes(along(where_known(at, [name]), name)),
        "all runs and snapshots": lambda name: pooled(at, name),
        "between runs at a step": lambda name: pooled(at, name, ("step",)),
        "between seeds at a step and fraction": lambda name: pooled(at, name, ("train_size", "step")),
        "seeds x snapshots": lambda name: " x ".join(
            str(where_known(at, [name]).sizes[dim]) for dim in ("seed", "step")
        ),
    }
    title, heads = "Spearman correlation with the test loss", {"predictor": LABELS.values()}
    return listed(heads, list(LABELS), columns, title=title, note=_CORRELATED)


def partial_table(at: xr.Dataset) -> Table:
    """What one predictor still says of the test loss when another is held fixed."""
    run, label = ("train_size", "seed"), {**LABELS, "step": "step"}
    columns: Columns = {
        "within a run": lambda pair: pooled(where_known(at, pair), pair[0], run),
        "within a run, given": lambda pair: pooled(at, pair[0], run, pair[1:]),
        "all runs": lambda pair: pooled(where_known(at, pair), pair[0]),
        "all runs, given": lambda pair: pooled(at, pair[0], given=pair[1:]),
    }
    heads = {"predictor": [label[name] for name, _ in _PAIRS], "given": [label[other] for _, other in _PAIRS]}
    return listed(heads, _PAIRS, columns, title="Partial rank correlation with the test loss", note=_PARTIAL)


_CORRELATED = (
    "Along a run, numbers are means over runs of each run's own correlation: by records, by values at the snapshots "
    "brought to all records, and by snapshots, which are closer where training is younger. The other columns are pooled, "
    "with intervals by leaving out one seed at a time; between runs, ranks are taken within a step (and fraction) only. "
    "Compare predictors within a column, and by the same number of seeds and snapshots."
)
_PARTIAL = (
    "Correlations are of ranks at the snapshots, within each run or over all. What the ranks of the given number explain "
    "is taken out by least squares, and intervals leave out one seed at a time. Where two numbers nearly determine each "
    "other little is left, and the noise of an estimate counts against it. No correlation says what causes what."
)


def predictions(at: xr.Dataset) -> dict[str, xr.Dataset]:
    """Out-of-run predictions of the logarithm of the test loss by label of the set of predictors, ``(train_size, seed)``.

    ``r_squared`` and ``spearman`` are of a fit to all other runs, ``unseen_r_squared`` of one to runs of the other fractions;
    ``baseline`` and ``same_baseline`` are r_squared of the mean of the runs of any fraction, and of the same. ``ratio_any``,
    ``ratio_same`` and ``ratio_step`` are logarithms of the root mean square error over that of the mean of other runs at that
    step: of a fit to runs of any fraction, of the same fraction, and of the same from the predictors and the step.
    """
    return {label: _predicted(where_known(at, names), names) for label, names in _SETS.items()}


def _predicted(at: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    features, target = [at[name] for name in names], xr.DataArray(np.log(at["test_loss"]))
    # An indicator of every step but one: the fit then has a level of its own at each.
    steps = [(at["step"] == step).astype(float) for step in at["step"].values[1:].tolist()]
    whole = analysis.out_of_run(features, target, ("train_size", "seed"), scale="rank")
    same, timed = _each_fraction(features, target), _each_fraction([*features, *steps], target)
    far = analysis.out_of_run(features, target, "train_size", scale="rank")
    own, others = (whole.sel(model=model, drop=True) for model in ("features", "other runs"))
    return own[["r_squared", "spearman"]].assign(
        unseen_r_squared=_r_squared(far["predicted"].sel(model="features", drop=True), target),
        baseline=others["r_squared"],
        same_baseline=same["r_squared"].sel(model="other runs", drop=True),
        ratio_any=_log_ratio(whole["error"]),
        ratio_same=_log_ratio(same["error"]),
        ratio_step=_log_ratio(timed["error"]),
    )


def _r_squared(predicted: xr.DataArray, target: xr.DataArray) -> xr.DataArray:
    """Of each run about its own mean, ``(train_size, seed)``."""
    left, about = target - predicted, target - target.mean("step", skipna=False)
    return 1.0 - (left**2).sum("step", skipna=False) / (about**2).sum("step", skipna=False)


def _each_fraction(features: Sequence[xr.DataArray], target: xr.DataArray) -> xr.Dataset:
    """Predictions of each run from the other seeds of its train fraction; NaN where there is no other seed."""
    if target.sizes["seed"] < 2:
        nothing = xr.full_like(target.isel(step=0, drop=True), np.nan).expand_dims(model=["features", "other runs"])
        return xr.Dataset({"error": nothing, "r_squared": nothing})
    parts = []
    for size in range(target.sizes["train_size"]):
        own = [one.isel(train_size=size, missing_dims="ignore") for one in features]
        parts.append(analysis.out_of_run(own, target.isel(train_size=size), "seed", scale="rank"))
    return xr.concat(parts, "train_size").assign_coords(train_size=target["train_size"])


def _log_ratio(error: xr.DataArray) -> xr.DataArray:
    features, others = (error.sel(model=model, drop=True) for model in ("features", "other runs"))
    return xr.DataArray(np.log(features / others))


def prediction_table(predicted: Mapping[str, xr.Dataset]) -> Table:
    """How well a run's test loss is predicted by a fit to other runs."""
    some = next(iter(predicted.values()))
    means = {"baseline": "any fraction", "same_baseline": "the same fraction"}
    others = {
        f"mean of other runs at the step, {which}": some[[name]].rename({name: "r_squared"})
        for name, which in means.items()
    }
    every = {**predicted, **others}
    columns: Columns = {
        "R^2": partial(_score, name="r_squared"),
        "R^2, fraction not seen": partial(_score, name="unseen_r_squared"),
        "Spearman": partial(_score, name="spearman"),
        "error / that of other runs": partial(_score, name="ratio_any"),
        "error / that of other seeds": partial(_score, name="ratio_same"),
        "the same, with the step known": partial(_score, name="ratio_step"),
    }
    # Runs of one seed share initial parameters, so seeds are what is independent.
    parts = [one.mean("train_size", skipna=False) for one in every.values()]
    title = "Out-of-run prediction of the log of the test loss"
    return listed({"predicted from": every}, parts, columns, title=title, note=_PREDICTED)


def _score(part: xr.Dataset, name: str) -> Estimate | str:
    """A mean, or a geometric mean of ratios from their logarithms; empty in rows that have none."""
    if name not in part:
        return ""
    ratios = name.startswith("ratio")
    return estimate(xr.DataArray(np.exp(part[name])), "geometric") if ratios else estimate(part[name])


_PREDICTED = (
    "Predictions are made at the snapshots. Each run is predicted by least squares on the ranks of the predictors, fitted "
    "to all other runs, to other train fractions (not seen), to the other seeds of the same fraction, or to these with a "
    "level of its own at each step (last). R^2 is about the run's own mean. Below a ratio of 1 a predictor knows more "
    "than the step alone (the mean of the same other runs at that step); in the last column, it adds to it. Means of "
    "ratios are geometric."
)
