"""Numbers of the study sparse-parity: times to learn, what is measured on first layers, and that on each run's own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
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
from memjax.studies.kit import at_own_time

__all__ = ["CHANCE_ERROR", "LEARNED", "VISIBLE", "aligned", "exponents", "finite_times", "points", "progress", "times"]

LEARNED, VISIBLE = 0.95, 0.6
"""Sign accuracy at which the parity counts as learned, and at which anybody sees that it is being learned."""

CHANCE_ERROR = 0.5 / 2000**0.5
"""Standard error of the sign accuracy of a guess on the test set of the runs whose weights are looked into."""

_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
# A bootstrap of fewer seeds has little to draw from.
_FEWEST_SEEDS, _FEWEST_SIZES = 4, 3
_FRESH = 25_000
_PROGRESS = ("accuracy", "share", "movement", "moved", "fourier_gap")


def times(datasets: Mapping[int, Sequence[xr.Dataset]]) -> xr.Dataset:
    """Steps to `VISIBLE` and `LEARNED` test accuracy, ``(num_bits, num_relevant, seed)``, of several sweeps by number of signs.

    Infinite for never. ``spacing``, ``(num_relevant)``: steps from one record to the next.
    """
    found = [xr.concat([_timed(data) for data in parts], "num_relevant") for parts in datasets.values()]
    joined = xr.concat(found, xr.Variable("num_bits", list(datasets), {"long_name": "number of signs n"}))
    return joined.assign(spacing=joined["spacing"].isel(num_bits=0, drop=True))


def _timed(data: xr.Dataset) -> xr.Dataset:
    spacing = float(data["step"][1] - data["step"][0])
    return steps_to(data["sign_accuracy"])[["learned", "visible"]].assign(
        spacing=xr.full_like(data["num_relevant"], spacing, float)
    )


def steps_to(accuracy: xr.DataArray) -> xr.Dataset:
    """Steps to `VISIBLE` and `LEARNED`, and from when accuracies ``(..., step)`` are three standard errors above chance."""
    accuracy = accuracy.reset_coords(drop=True)
    levels = {"learned": LEARNED, "visible": VISIBLE, "leaves": 0.5 + 3 * CHANCE_ERROR}
    return xr.Dataset({name: analysis.time_to_threshold(accuracy, level)["time"] for name, level in levels.items()})


def exponents(learned: xr.DataArray) -> xr.Dataset:
    """Exponent of the steps in the number of signs, ``(num_relevant,)``, over the ``sizes`` that every seed learned.

    The slope of the mean logarithm with its bootstrap interval over seeds; NaN for fewer than three sizes, or four seeds.
    """
    rows = []
    for k in learned["num_relevant"].values.tolist():
        own = learned.sel(num_relevant=k, drop=True)
        kept = own.isel(num_bits=(own < np.inf).all("seed").values)
        logs = kept.assign_coords(num_bits=np.log(kept["num_bits"].values.astype(float)))
        rows.append(_slope(logs.copy(data=np.log(kept.values))))
    return xr.concat(rows, learned["num_relevant"])


def _slope(logs: xr.DataArray) -> xr.Dataset:
    sizes = logs.sizes["num_bits"]
    found = xr.Dataset({"slope": np.nan, "slope_interval": ("bound", [np.nan, np.nan]), "sizes": sizes})
    if sizes < _FEWEST_SIZES:
        return found
    law = analysis.fit(logs, "linear", dim="num_bits").reset_coords(drop=True)
    if logs.sizes["seed"] >= _FEWEST_SEEDS:
        found = found.assign(slope_interval=("bound", law["slope_interval"].values))
    return found.assign(slope=float(law["slope"]))


def aligned(seen: xr.Dataset) -> xr.Dataset:
    """What was measured on the weights, at shares of each run's own steps to `LEARNED`, ``(seed, time)``.

    NaN for a run that never learned, and beyond its last step.
    """
    about = {"long_name": f"step, over the run's own steps to {LEARNED:.0%}"}
    clock = xr.DataArray(list(_SHARES), dims="time", attrs=about)
    at = seen["learned"] * clock
    at = at.where(at <= int(seen["snapshot"].max()))
    found = {name: at_own_time(seen[name], at, "snapshot") for name in _PROGRESS}
    return xr.Dataset(found, {"time": clock}, dict(seen.attrs))


def points(seen: xr.Dataset) -> xr.Dataset:
    """What is known of each run at three points before it learns, ``(point, seed)``.

    At the "start", "half way" to `LEARNED`, and at the "last snapshot at chance", before the accuracy has left chance:
    ``time`` over that of learning; ``accuracy``, ``share`` and ``moved``; ``movement`` over that when it is learned; and
    ``trend``, Spearman's correlation of the share with the step up to there. NaN for a run that never gets there.
    """
    learned, snapshot = seen["learned"], seen["snapshot"]
    before = snapshot.where((snapshot < seen["leaves"]) & np.isfinite(seen["leaves"])).max("snapshot")
    whole, start = at_own_time(seen["movement"], learned, "snapshot"), xr.zeros_like(learned)
    where = ((start, start), (learned / 2, learned / 2), (before, seen["leaves"]))
    parts = [_point(seen, at, until, whole) for at, until in where]
    return xr.concat(parts, "point").assign_coords(point=["start", "half way", "last snapshot at chance"])


def _point(seen: xr.Dataset, at: xr.DataArray, until: xr.DataArray, whole: xr.DataArray) -> xr.Dataset:
    read = {name: at_own_time(seen[name], at, "snapshot") for name in ("accuracy", "share", "moved", "movement")}
    before = partial(_trend, steps=seen["snapshot"].values)
    trend = xr.apply_ufunc(before, seen["share"], until, input_core_dims=[["snapshot"], []], vectorize=True)
    time = (at / seen["learned"]).where(np.isfinite(seen["learned"]))
    return xr.Dataset(read | {"movement": read["movement"] / whole, "time": time, "trend": trend})


def _trend(share: np.ndarray, end: float, steps: np.ndarray) -> float:
    """Spearman's correlation of share and step over the snapshots before a step; NaN where that never comes, or for two."""
    before = steps < end
    if not np.isfinite(end) or before.sum() < 3:
        return np.nan
    first, second = (xr.DataArray(part[before], dims="snapshot") for part in (share, steps))
    return analysis.rank_correlation(first, second)


def finite_times(dataset: xr.Dataset) -> xr.Dataset:
    """When train and test sets are learned, and what became of the run, ``(train_size, l2, seed)``."""
    train, test = (dataset[f"{split}_sign_accuracy"].reset_coords(drop=True) for split in ("train", "test"))
    found = analysis.delay(train, test, 0.99, LEARNED)
    records = dataset["step"].values
    return found.assign(accuracy=test.isel(step=-1, drop=True), records=("record", records.astype(float)))


def progress(dataset: xr.Dataset, using: Sequence[Any]) -> xr.Dataset:
    """What `of_weights` and `fourier_gap` give at every snapshot, with the test accuracy there, and the times."""
    steps = dataset["snapshot"].values.tolist()
    kernel = params(dataset, step=steps)["layer_0"]["kernel"]
    weights = of_weights(np.asarray(kernel, np.float64), num_relevant=3)
    coords = {"seed": dataset["seed"].values, "snapshot": steps}
    found = xr.Dataset({name: (("seed", "snapshot"), values) for name, values in weights.items()}, coords)
    accuracy = dataset["sign_accuracy"].reset_coords(drop=True)
    found["accuracy"] = accuracy.sel(step=steps).rename(step="snapshot").assign_coords(snapshot=steps)
    gap = measure(dataset, [fourier_gap], using=using)["fourier_gap"].reset_coords(drop=True)
    parts = [found.assign(fourier_gap=gap), steps_to(accuracy)]
    return xr.merge(parts, join="exact").assign_attrs(num_bits=kernel.shape[-2])


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


@partial(jax.jit, static_argnums=0)
def _gradient(model: Any, weights: Any, x: Any, y: Any) -> Any:
    """Gradient of the mean loss in the kernel of the first layer, ``[n, width]``."""
    inputs = jnp.asarray(x, jnp.float32)
    return jax.grad(lambda at: hinge(model.apply(at, inputs), y).mean())(weights)["layer_0"]["kernel"]
