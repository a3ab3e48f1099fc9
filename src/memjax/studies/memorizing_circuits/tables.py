"""Tables of the study memorizing-circuits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax.studies.kit import Columns, Table, grid, listed
from memjax.studies.memorizing_circuits import noise, order

__all__ = ["LOSS_NAMES", "TIME_NAMES", "coefficients", "gradients", "noises", "orders", "relative", "spreads"]

LOSS_NAMES = {"cross_entropy": "cross-entropy", "one_hot_mse": "squared error"}
"""Losses as texts name them."""
TIME_NAMES = {"first": "first-learnt", "lasting": "learnt-for-good"}
"""Times as texts name them."""


def relative(part: xr.Dataset) -> xr.DataArray:
    """Length of the mean gradient of all points, over that of orthogonal gradients of one norm, ``(seed, ...)``."""
    count = int(part["points"].max())
    return part["length"].sel(points=count, drop=True) * np.sqrt(count)


def coefficients(found: xr.Dataset, by: str) -> Table:
    """Learning coefficients by what is learnt and by the number of points or the modulus, and what became of estimates."""
    percents = found.assign({name: 100 * found[name] for name in _PERCENT.values()})
    columns: Columns = {
        "train points": lambda part: int(part["points"].max()),
        "parameters": lambda part: int(part["weights"].max()),
        **{head: name for head, name in _PERCENT.items() if name in ("train", "test")},
        "error of an output": lambda part: f"{float(part['residual'].max()):.1g}",
        "learning coefficient": "llc",
        "for every point": lambda part: part["llc"] / part["points"],
        "of d/2": "share",
        "rise of the loss": "rise",
        "estimates that converged": lambda part: f"{int((part['llc_verdict'] == 0).sum())} of {part.sizes['seed']}",
    }
    if by == "points":
        del columns["train points"], columns["parameters"]
        percents = percents.assign(points=percents["points"])
    title, units = "Learning coefficients", dict.fromkeys(_PERCENT, "%")
    return grid(percents, {"task": "labels", by: by}, columns, title=title, note=_COEFFICIENTS, units=units)


_PERCENT = {"train accuracy": "train", "test accuracy": "test", "of d/2": "share", "rise of the loss": "rise"}
_COEFFICIENTS = (
    "At n beta = n / log n of a Gaussian likelihood whose noise is 0.01, within a Gaussian of width 0.1 around the network. "
    "Every estimate is used, whether its chains converged or not. Error of an output: root mean square on train points, the "
    "largest of the seeds. d: number of parameters. Rise of the loss: mean over the draws, over the loss of constant outputs. "
    "The test accuracy of random labels is that on true sums."
)


def noises(square: xr.Dataset) -> Table:
    """Coefficients if the loss were an exact square, by what is learnt and by the noise."""
    largest, modulus = int(square["points"].max()), int(square["modulus"].max())
    found = xr.Dataset({"each": noise.per_point(square), "last": square["exact"].sel(points=largest, drop=True)})
    columns: Columns = {
        "for every further point": "each",
        f"coefficient, {largest} points": "last",
        "of half of the outputs": lambda part: 200 * part["last"] / (largest * modulus),
    }
    rows, units = {"task": "labels", "noise": "noise"}, {"of half of the outputs": "%"}
    return grid(found, rows, columns, title="Coefficients by the noise", note=_NOISES, units=units)


_NOISES = (
    "What chains would estimate if the loss were an exact square around the network, from the eigenvalues of J'J, J the "
    "derivative of the outputs, with the pull and the n beta of the chains. Of the sizes with fewer outputs on train points "
    "than parameters."
)


def orders(times: Mapping[str, xr.Dataset], linear: Mapping[str, xr.Dataset]) -> Table:
    """Rank correlations of learning times by what two runs share, and with the linearised network."""
    parts = _parts(times)
    columns: dict[str, Any] = {
        name: lambda part, name=name: order.agreement(times[part[0]], part[1])[name]
        for name in ("same start", "same order", "neither")
    }
    heads = {"own": "linearised at the own start", "other": "linearised at another start"}
    columns |= {
        head: lambda part, name=name: order.predicted(times[part[0]], linear[part[0]], part[1])[name]
        for name, head in heads.items()
    }
    title = "Rank correlations of the steps at which points are learnt"
    return listed(_heads(parts), parts, columns, title=title, note=_ORDERS)


_ORDERS = (
    "A point is first learnt at the first record at which it is right, and learnt for good at the record from which it "
    "stays right. Numbers are means over all pairs of nine runs on one data set: three starts (initial states) in three "
    "orders of batches. Points that one of the two runs has right before the first step are left out."
)


def spreads(slow: Mapping[str, xr.Dataset], linear: Mapping[str, xr.Dataset]) -> Table:
    """Spread of learning times by loss, of networks and of linearised ones, and the steps it lies between."""
    parts = _parts(slow)
    columns: Columns = {
        f"{head}, {nets}": column
        for nets, found in {"networks": slow, "linearised": linear}.items()
        for head, column in _spread_columns(found).items()
    }
    return listed(_heads(parts), parts, columns, title="How long the learning lasts", note=_SPREADS)


_SPREADS = (
    "Numbers are the steps at which 10% and 90% of the points are learnt, of the points that are wrong before the first "
    "step, in descent on all points. The first step moves the outputs equally far under both losses."
)


def _spread_columns(found: Mapping[str, xr.Dataset]) -> Columns:
    def step(share: float) -> Any:
        return lambda part: _mean(order.reached(found[part[0]], part[1], share))

    return {
        **{f"{share:.0%}": step(share) for share in order.TAILS},
        "90% over 10%": lambda part: order.spreads(found[part[0]], part[1]),
    }


def _mean(steps: xr.DataArray) -> xr.DataArray:
    return steps.mean([dim for dim in steps.dims if dim != "seed"])


def _parts(times: Mapping[str, xr.Dataset]) -> list[tuple[str, str]]:
    return [(loss, time) for loss in times for time in TIME_NAMES]


def _heads(parts: list[tuple[str, str]]) -> dict[str, list[str]]:
    return {"loss": [LOSS_NAMES[loss] for loss, _ in parts], "step": [TIME_NAMES[time] for _, time in parts]}


def gradients(conflicts: Mapping[str, xr.Dataset]) -> Table:
    """Cosines between gradients of points, and the length of their mean, along training."""
    columns: Columns = {
        "mean cosine": "mean",
        "one label": "same",
        "two labels": "other",
        "below 0": lambda part: 100 * part["negative"],
        "length over orthogonal": relative,
    }
    parts = [(loss, one.isel(snapshot=i)) for loss, one in conflicts.items() for i in range(one.sizes["snapshot"])]
    heads = {
        "loss": [LOSS_NAMES[loss] for loss, _ in parts],
        "step": [str(int(part["snapshot"])) for _, part in parts],
    }
    title = "Gradients of single points"
    kept = [part for _, part in parts]
    return listed(heads, kept, columns, title=title, note=_GRADIENTS, units={"below 0": "%"})


_GRADIENTS = (
    "Cosines are between the gradients of all pairs of points, of pairs with one label and with two, with the share of "
    "the pairs below 0. The length is the norm of the mean gradient over the mean norm, times the root of the number of "
    "points; it is 1 for orthogonal gradients."
)
