"""Numbers of the study sparse-parity: times to learn, and the progress of the first layer while nothing else moves."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from memjax import analysis
from memjax.losses import hinge
from memjax.measure import measure
from memjax.results.parameters import params
from memjax.results.snapshots import Snapshot

__all__ = [
    "CHANCE_ERROR",
    "LEARNED",
    "VISIBLE",
    "aligned",
    "exponents",
    "finite_times",
    "fourier_gap",
    "of_weights",
    "progress",
    "times",
]

LEARNED, VISIBLE = 0.95, 0.6
"""Sign accuracy at which the parity counts as learned, and at which anybody sees that it is being learned."""

CHANCE_ERROR = 0.5 / 2000**0.5
"""Standard error of the sign accuracy of a guess on the test set of the runs whose weights are looked into."""

_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
_FRESH = 25_000


def times(datasets: Mapping[int, Sequence[xr.Dataset]]) -> xr.Dataset:
    """Steps to `VISIBLE` and to `LEARNED` test accuracy, ``(num_bits, num_relevant, seed)``; infinite for never.

    Of several sweeps by number of signs, each with numbers of relevant ones of its own; ``spacing``, ``(num_relevant)``: steps
    from one record to the next.
    """
    found = [xr.concat([_timed(data) for data in parts], "num_relevant") for parts in datasets.values()]
    joined = xr.concat(found, xr.Variable("num_bits", list(datasets), {"long_name": "number of signs n"}))
    return joined.assign(spacing=joined["spacing"].isel(num_bits=0, drop=True))


def _timed(data: xr.Dataset) -> xr.Dataset:
    spacing = float(data["step"][1] - data["step"][0])
    return _times(data["sign_accuracy"]).assign(spacing=xr.full_like(data["num_relevant"], spacing, float))


def _times(accuracy: xr.DataArray) -> xr.Dataset:
    accuracy = accuracy.reset_coords(drop=True)
    learned = analysis.time_to_threshold(accuracy, LEARNED)["time"]
    visible = analysis.time_to_threshold(accuracy, VISIBLE)["time"]
    return xr.Dataset({"learned": learned, "visible": visible})


def exponents(learned: xr.DataArray) -> xr.Dataset:
    """Exponent of the steps to learn in the number of signs, by ``num_relevant``, over sizes that every seed learned.

    The slope of the mean logarithm, with its bootstrap interval over seeds; NaN where fewer than three sizes are left.
    """
    rows = []
    for k in learned["num_relevant"].values.tolist():
        logs: xr.DataArray = xr.apply_ufunc(np.log, learned.sel(num_relevant=k, drop=True))
        logs = logs.isel(num_bits=logs.notnull().all("seed").values & (logs < np.inf).all("seed").values)
        rows.append(_slope(logs.assign_coords(num_bits=np.log(logs["num_bits"].values.astype(float)))))
    return xr.concat(rows, learned["num_relevant"])


def _slope(logs: xr.DataArray) -> xr.Dataset:
    missing = xr.Dataset(
        {"slope": np.nan, "slope_interval": ("bound", [np.nan, np.nan]), "sizes": logs.sizes["num_bits"]}
    )
    if logs.sizes["num_bits"] < 3:
        return missing
    law = analysis.fit(logs, "linear", dim="num_bits").reset_coords(drop=True)
    return missing.assign(slope=float(law["slope"]), slope_interval=("bound", law["slope_interval"].values))


def progress(dataset: xr.Dataset, using: Sequence[Any]) -> xr.Dataset:
    """What `of_weights` and `fourier_gap` give at every snapshot, with the test accuracy there and the times.

    ``leaves``: the step at which the test accuracy is first more than three standard errors above chance.
    """
    steps = dataset["snapshot"].values.tolist()
    kernel = params(dataset, step=steps)["layer_0"]["kernel"]
    weights = of_weights(np.asarray(kernel, np.float64), num_relevant=3)
    coords = {"seed": dataset["seed"].values, "snapshot": steps}
    found = xr.Dataset({name: (("seed", "snapshot"), values) for name, values in weights.items()}, coords)
    accuracy = dataset["sign_accuracy"].reset_coords(drop=True)
    found["accuracy"] = accuracy.sel(step=steps).rename(step="snapshot").assign_coords(snapshot=steps)
    gap = measure(dataset, [fourier_gap], using=using)["fourier_gap"].reset_coords(drop=True)
    leaves = analysis.time_to_threshold(accuracy, 0.5 + 3 * CHANCE_ERROR)["time"]
    times = _times(accuracy).assign(leaves=leaves)
    return xr.merge([found.assign(fourier_gap=gap), times], join="exact").assign_attrs(num_bits=kernel.shape[-2])


def aligned(seen: xr.Dataset) -> xr.Dataset:
    """What `progress` gives, at shares of each run's own steps to `LEARNED`, ``(seed, time)``.

    Runs learn at different steps, and a mean at one step would be of runs before and after it. Between snapshots by
    interpolation; NaN for a run that never learned, and beyond its last step.
    """
    shares, at = np.array(_SHARES), seen["snapshot"].values.astype(float)
    found = {}
    for name in ("accuracy", "share", "movement", "moved", "fourier_gap"):
        rows = seen[name].transpose("seed", "snapshot").values
        found[name] = (
            ("seed", "time"),
            np.stack([_read(at, *of_run, shares) for of_run in zip(rows, seen["learned"].values, strict=True)]),
        )
    time = ("time", shares, {"long_name": f"step, over the run's own steps to {LEARNED:.0%}"})
    return xr.Dataset(found, {"seed": seen["seed"].values, "time": time}, dict(seen.attrs))


def _read(at: np.ndarray, row: np.ndarray, learned: float, shares: np.ndarray) -> np.ndarray:
    if not np.isfinite(learned):
        return np.full(len(shares), np.nan)
    return np.interp(shares * learned, at, row, right=np.nan)


def of_weights(kernel: np.ndarray, num_relevant: int) -> dict[str, np.ndarray]:
    """Progress of first-layer weights ``[..., snapshot, n, width]`` of which the first rows are the relevant bits'.

    ``share``, the share of the relevant bits in the sum of squares; ``movement``, the largest change of one weight since
    the first snapshot (the paper's measure); ``moved``, the root mean square change of the relevant bits' weights over that
    of the others', NaN before any. Each ``[..., snapshot]``.
    """
    squares, change = np.square(kernel).sum(-1), kernel - kernel[..., :1, :, :]
    moves = np.square(change).mean(-1)
    relevant, others = moves[..., :num_relevant].mean(-1), moves[..., num_relevant:].mean(-1)
    return {
        "share": squares[..., :num_relevant].sum(-1) / squares.sum(-1),
        "movement": np.abs(change).max((-1, -2)),
        "moved": np.sqrt(relevant / np.where(others > 0, others, np.nan)),
    }


def fourier_gap(snapshot: Snapshot) -> dict[str, float]:
    """Squared gradient in a relevant bit's weights, less that in another's, in units of the batch noise in the others'.

    Products of the gradients on two fresh sets of examples are free of the noise of either, so its expectation is that of
    the population: zero where the gradient does not know the relevant bits. The noise is the variance that a batch of 32
    would have.
    """
    task: Any = snapshot.experiment.task
    weights = jax.tree.map(jnp.asarray, snapshot.params)
    drawn = task.draw(1_000_000 + snapshot.experiment.data_key, train_size=_FRESH, test_size=_FRESH)
    first, second = (np.asarray(_gradient(snapshot.model, weights, *split), np.float64) for split in drawn)
    signal, k = (first * second).mean(-1), task.num_relevant
    # Half of the squared difference of two means of _FRESH examples is the variance of one such mean.
    noise = np.square(first - second)[k:].mean() / 2 * _FRESH / 32
    return {"fourier_gap": float((signal[:k].mean() - signal[k:].mean()) / noise) if noise > 0 else np.nan}


@functools.partial(jax.jit, static_argnums=0)
def _gradient(model: Any, weights: Any, x: Any, y: Any) -> Any:
    """Gradient of the mean loss in the kernel of the first layer, ``[n, width]``."""
    return jax.grad(lambda at: hinge(model.apply(at, jnp.asarray(x, jnp.float32)), y).mean())(weights)["layer_0"][
        "kernel"
    ]


def finite_times(dataset: xr.Dataset) -> xr.Dataset:
    """When train and test sets are learned, and what became of the run, ``(train_size, l2, seed)``."""
    train, test = (dataset[f"{split}_sign_accuracy"].reset_coords(drop=True) for split in ("train", "test"))
    found = analysis.delay(train, test, 0.99, LEARNED)
    records = dataset["step"].values
    return found.assign(accuracy=test.isel(step=-1, drop=True), records=("record", records.astype(float)))
