"""Numbers of the study memory-1: labels that a layer fits, where its loss is sharpest, and what a hyperplane separates."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax.analysis import all_fitted, cover_probability, linearly_separable, num_fitted
from memjax.tasks import RandomLabels

__all__ = ["EARLY", "capacity", "cover", "fitted", "largest", "separable", "sharpest"]

EARLY = 20
"""Step at which the ratio of labels fitted to inputs is about the published one."""


def fitted(runs: xr.Dataset) -> xr.DataArray:
    """Number of train examples classified right, ``(input_dim, train_size, seed, step)``."""
    return num_fitted(runs["train_accuracy"].reset_coords(drop=True), runs["train_size"])


def largest(right: xr.DataArray) -> xr.DataArray:
    """Largest number fitted at each step: each seed's, at the train size where the mean over seeds is largest."""
    mean = right.isel(step=slice(1, None)).mean("seed")
    return right.sel(step=mean["step"], train_size=_at_largest(mean), drop=True)


def _at_largest(mean: xr.DataArray) -> xr.DataArray:
    return mean["train_size"][mean.argmax("train_size")].drop_vars("train_size")


def capacity(right: xr.DataArray) -> xr.Dataset:
    """Most labels fitted at the end, by ``input_dim`` and ``seed``, and the train size ``at_size`` at which they are.

    ``gained``: those of them since nine tenths of the steps; ``beyond``: labels fitted of 400; ``whole``: the largest size at
    which at least half of the seeds have every label right (NaN: none).
    """
    end, steps = right.isel(step=-1, drop=True), right["step"].values
    late = right.isel(step=int(np.searchsorted(steps, 0.9 * steps[-1])), drop=True)
    at_size = _at_largest(end.mean("seed"))
    most, before = (part.sel(train_size=at_size, drop=True) for part in (end, late))
    share = all_fitted(end / end["train_size"], end["train_size"]).mean("seed")
    whole = end["train_size"].where(share >= 0.5).max("train_size")
    beyond = end.sel(train_size=400, drop=True)
    return xr.Dataset({"at_size": at_size, "whole": whole, "most": most, "gained": most - before, "beyond": beyond})


def sharpest(early: xr.DataArray, late: xr.DataArray) -> xr.Dataset:
    """Largest sharpness over the train sizes by ``input_dim``, ``seed`` and ``step``, of two sweeps; the second is longer.

    ``height`` is the sharpness at ``at_size``, where the mean over seeds is largest; ``own_size`` is where that of the seed is.
    """
    records = [early.sel(step=[EARLY]), early.isel(step=[-1]), late.isel(step=[1, -1])]
    sharpness = xr.concat([part.reset_coords(drop=True) for part in records], "step")
    at_size = _at_largest(sharpness.mean("seed"))
    own = sharpness.idxmax("train_size")
    height = sharpness.sel(train_size=at_size, drop=True)
    return xr.Dataset({"at_size": at_size, "height": height, "own_size": own, "there": own == at_size})


def separable(runs: xr.Dataset) -> xr.Dataset:
    """Whether a hyperplane separates the very examples of each run on two classes: a linear program, no training."""
    found = xr.zeros_like(runs["train_accuracy"].isel(step=-1, drop=True).reset_coords(drop=True))
    sizes = found["train_size"].values
    for dim in found["input_dim"].values.tolist():
        task = RandomLabels(input_dim=dim, num_classes=2)
        for seed in found["seed"].values.tolist():
            # Train sets are nested: the smaller ones are the beginning of the largest.
            train = task.draw(seed, int(sizes.max()), 1).train
            flags = [float(linearly_separable(train.x[:size], train.y[:size])) for size in sizes]
            found.loc[{"input_dim": dim, "seed": seed}] = xr.DataArray(flags, dims="train_size")
    return xr.Dataset({"separable": found.assign_attrs(long_name="separable by a hyperplane", units="1")})


def cover(runs: xr.Dataset, able: xr.DataArray) -> xr.Dataset:
    """Cover's probability ``law`` beside the runs on two classes that are ``separable`` and those that are ``trained``.

    ``missed``: separable and not fitted; ``impossible``: fitted and not separable; ``late``: fitted since the record before
    the last.
    """
    accuracy = runs["train_accuracy"].reset_coords(drop=True).isel(step=[-2, -1])
    trained = all_fitted(accuracy, accuracy["train_size"])
    done = trained.isel(step=-1, drop=True)
    return xr.Dataset(
        {
            "law": cover_probability(runs["train_size"], runs["input_dim"]).reset_coords(drop=True),
            "separable": able,
            "trained": done,
            "missed": (able == 1) & (done != 1),
            "impossible": (able == 0) & (done == 1),
            "late": done - trained.isel(step=0, drop=True),
        }
    )
