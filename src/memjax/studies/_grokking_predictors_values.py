"""What the study grokking-predictors compares with the test loss: recorded measures, and estimates on snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from memjax.measure import measure
from memjax.measures.sampled.llc import LLC, llc

__all__ = [
    "ESTIMATORS",
    "LABELS",
    "RECORDED",
    "TRAINING",
    "Estimator",
    "at_snapshots",
    "coarse",
    "estimates",
    "logarithm",
    "records",
    "where_known",
]

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

_ESTIMATED = {
    "sharpness": "sharpness",
    "llc_thread": "LLC, n beta = 2, as in the thread",
    "llc_10": "LLC, n beta = 10",
    "llc_canonical": "LLC, n beta = n / log n",
}
LABELS = {**RECORDED, **_ESTIMATED}
"""All predictors, those on snapshots after those of every record."""


class Estimator(NamedTuple):
    """Settings of the learning coefficient, a variable for each temperature, and on how much of a sweep they are used."""

    settings: LLC
    names: tuple[str, ...]
    seeds: int | None = None
    steps: tuple[int, ...] | None = None


_BATCH = 128
_THREAD = llc(2.0, step_size=3e-3, localization=5.0, draws=500, burn_in=0, chains=1, batch_size=_BATCH)
_SEVERAL = ("llc_canonical", "llc_10")
ESTIMATORS: Mapping[str, tuple[Estimator, ...]] = {
    "quick": (
        Estimator(_THREAD, ("llc_thread",)),
        Estimator(
            llc((None, 10.0), draws=200, burn_in=100, chains=2, batch_size=_BATCH),
            _SEVERAL,
            seeds=4,
            steps=(0, 40, 160, 360, 760, 1600, 2400, 4000),
        ),
    ),
    "paper": (Estimator(_THREAD, ("llc_thread",)), Estimator(llc((None, 10.0), batch_size=_BATCH), _SEVERAL)),
}
"""Estimators by scale; the first is the thread's, whose curvature at the snapshot is also the sharpness."""


def records(runs: xr.Dataset) -> xr.Dataset:
    """Losses, accuracies and recorded predictors ``(train_size, seed, step)`` of a sweep."""
    kept = runs[["train_loss", "test_loss", "train_accuracy", "test_accuracy", "weight_l2"]].reset_coords(drop=True)
    for split in ("train", "test"):
        # Larger where the network is more confident, as a norm is.
        kept[f"minus_{split}_log_probability"] = -runs[f"{split}_log_probability"].reset_coords(drop=True)
    squares = runs["layer_l2"].reset_coords(drop=True) ** 2
    for layer in _LAYERS:
        mine = [name for name in squares["parameter"].values.tolist() if name.split("/")[0] == layer]
        kept[f"l2_{layer}"] = squares.sel(parameter=mine).sum("parameter", skipna=False) ** 0.5
    return kept.transpose("train_size", "seed", "step")


def coarse(recorded: xr.Dataset) -> xr.Dataset:
    """About a hundred evenly spaced records, for hidden states: closely spaced ones depend on each other even within one."""
    return recorded.isel(step=slice(None, None, max(1, recorded.sizes["step"] // 100)))


def estimates(runs: xr.Dataset, estimators: Sequence[Estimator]) -> xr.Dataset:
    """Estimates of the learning coefficient on the snapshots of a sweep.

    Returns
    -------
    xr.Dataset
        What `memjax.measures.llc` gives but for single chains, ``(estimator, train_size, seed, step)``, NaN where an estimator
        was not used; and ``sharpness`` ``(train_size, seed, step)``, not below 0, from the first of them.
    """
    parts = []
    for one in estimators:
        steps = runs["snapshot"].values if one.steps is None else list(one.steps)
        found = measure(runs.isel(seed=slice(one.seeds)).sel(snapshot=steps), [one.settings])
        found = found.drop_vars("llc_chain").reset_coords(drop=True).rename(snapshot="step")
        if "nbeta" not in found.dims:
            found = found.expand_dims("nbeta")
        parts.append(found.rename(nbeta="estimator").assign_coords(estimator=list(one.names)))
    together = xr.concat(parts, "estimator", join="outer", combine_attrs="drop")
    first = estimators[0]
    curved = together.sel(estimator=first.names[0], drop=True)
    # The largest curvature of the drift is n beta h + gamma, h the largest eigenvalue of the Hessian where it is positive.
    sharpness = (curved["llc_curvature"] - first.settings.localization) / curved["llc_nbeta"]
    return together.assign(sharpness=sharpness)


def at_snapshots(recorded: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """All predictors and both losses ``(train_size, seed, step)`` at the snapshots; NaN where there is no estimate."""
    at = recorded.sel(step=found["step"])
    for name in found["estimator"].values.tolist():
        at[name] = found["llc"].sel(estimator=name, drop=True)
    at["sharpness"] = found["sharpness"]
    return at.transpose("train_size", "seed", "step")


def logarithm(values: xr.DataArray) -> xr.DataArray:
    """Natural logarithm of every value."""
    found: xr.DataArray = xr.apply_ufunc(np.log, values)
    return found


def where_known(at: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Those seeds and steps at which variables have values at all: an estimator may be used on some only."""
    known = np.logical_and.reduce([at[name].notnull() for name in names])
    known = at[names[0]].copy(data=known)
    seeds, steps = (known.any([dim for dim in known.dims if dim != kept]) for kept in ("seed", "step"))
    return at.sel(seed=seeds, step=steps)
