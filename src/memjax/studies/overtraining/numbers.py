"""Errors of cases that were left out: of single networks and of ensembles, at the end and where control cases stop training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["KINDS", "errors", "every_second_record", "linear_errors"]

KINDS = ("network at the end", "network at the stop", "ensemble at the end", "ensemble at the stop")
"""What predicts a case that was left out."""

FloatArray = npt.NDArray[np.float64]


def errors(runs: xr.Dataset, scale: xr.DataArray) -> xr.Dataset:
    """Mean squared errors of left-out cases by width, over the variance of the targets.

    Every network is trained on a random half of the cases. For a case outside of its half, the network belongs to the
    ensemble of the data without the case: its **control** cases are all others outside of the half, and the network stops at
    the record with the least error on them. The case itself has no part in the stop.

    Parameters
    ----------
    runs
        ``example_residual`` ``(hidden, data_seed, seed, example_step, example)`` and ``train_count``.
    scale
        Variance of the targets ``(data_seed,)``.

    Returns
    -------
    xarray.Dataset
        ``error`` ``(width, data_seed, kind)``, and ``stop`` ``(width, data_seed)``, the mean step at which training stops.
    """
    residuals = runs["example_residual"].transpose("hidden", "data_seed", "seed", "example_step", "example")
    count = runs["train_count"]
    count = count.isel(hidden=0, drop=True) if "hidden" in count.dims else count
    outside = (count.transpose("data_seed", "seed", "example") == 0).values
    steps = runs["example_step"].values.astype(np.float64)
    made = [[_of_bank(bank, out) for bank, out in zip(width, outside, strict=True)] for width in residuals.values]
    found = np.array([[error for error, _ in row] for row in made])
    stops = np.array([[steps[stop].mean() for _, stop in row] for row in made])
    labels = {
        "width": [int(name) for name in residuals["hidden"].values],
        "data_seed": residuals["data_seed"].values,
        "kind": list(KINDS),
    }
    values = xr.Dataset({"error": (tuple(labels), found), "stop": (("width", "data_seed"), stops)}, labels)
    return values.assign(error=values["error"] / scale)


def _of_bank(residuals: npt.NDArray[Any], outside: npt.NDArray[np.bool_]) -> tuple[FloatArray, npt.NDArray[np.int_]]:
    """Errors by `KINDS`, and the places of the stops, for residuals ``[R, K, N]`` and marks of cases outside ``[R, N]``."""
    mine = np.isfinite(residuals).all(1) & outside
    known = np.where(mine[:, None], residuals.astype(np.float64), 0.0)
    squares = known**2
    # For every case, the control error is over the other cases outside of the half.
    control = squares.sum(-1, keepdims=True) - squares
    stop = control.argmin(1)
    stopped = np.take_along_axis(known, stop[:, None], axis=1)[:, 0]
    last = known[:, -1]
    members = mine.sum(0)
    cases = members > 0
    single = [(one[mine] ** 2).mean() for one in (last, stopped)]
    ensemble = [((one.sum(0)[cases] / members[cases]) ** 2).mean() for one in (last, stopped)]
    return np.array([*single, *ensemble]), stop[mine]


def every_second_record(runs: xr.Dataset) -> xr.Dataset:
    """The last record of every run and every second one before that, to see whether the stops depend on the records."""
    count = runs.sizes["example_step"]
    return runs.isel(example_step=np.arange((count - 1) % 2, count, 2))


def linear_errors(runs: xr.Dataset, *, task: Any, train_size: int) -> xr.Dataset:
    """Variance of the targets, and the leave-one-out error of linear regression over it, by ``data_seed``."""
    seeds = [int(seed) for seed in runs["data_seed"].values]
    drawn = (task.draw(seed, train_size, 0)[0] for seed in seeds)
    found = np.array([_linear(_inputs(task, train.x), np.asarray(train.y)) for train in drawn])
    return xr.Dataset(
        {"variance": ("data_seed", found[:, 0]), "linear": ("data_seed", found[:, 1])}, {"data_seed": seeds}
    )


def _inputs(task: Any, x: Any) -> npt.NDArray[Any]:
    """Inputs of cases; a task with a pool draws the numbers of its rows."""
    return np.asarray(task.pool[np.asarray(x)] if hasattr(task, "pool") else x)


def _linear(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[float, float]:
    """Variance, and the mean of (e / (1 - h))^2 over the variance: the residual of a case that least squares did not have."""
    design = np.column_stack([np.ones(len(x)), x.reshape(len(x), -1)]).astype(np.float64)
    targets = y.reshape(len(y), -1)[:, 0].astype(np.float64)
    left, values, _ = np.linalg.svd(design, full_matrices=False)
    basis = left[:, values > values.max() * 1e-10]
    residuals, leverage = targets - basis @ (basis.T @ targets), (basis**2).sum(1)
    variance = float(targets.var())
    return variance, float(((residuals / (1 - leverage)) ** 2).mean() / variance)
