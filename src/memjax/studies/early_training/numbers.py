"""Numbers of the study early-training: logits and the gradient of the cross-entropy in them, snapshot by snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from memjax import analysis
from memjax.losses import cross_entropy
from memjax.measure import measure
from memjax.results.snapshots import Snapshot
from memjax.studies.kit import at_own_time

__all__ = ["DEPARTED", "departures", "exponents", "first_changes", "logits", "of_networks", "summary"]

DEPARTED = 0.9
"""Share of its first size at which the gradient in the correct logit counts as departed."""

_TEXTS = {"random": "random labels", "power": "power-law labels", "modular": "addition"}


@jax.jit
def _gradient(outputs: Any, labels: Any) -> Any:
    """Gradient of each example's own loss in its outputs, ``[N, K]``."""
    return jax.grad(lambda at: cross_entropy(at, labels).sum())(outputs)


def logits(snapshot: Snapshot) -> Mapping[str, Any]:
    """Gradient in the logits of the train examples, and the logits themselves.

    ``correct`` and ``other``: mean over examples of dL/d(logit) of the correct class, and of all others. ``deviation``:
    root mean square of K times what single gradients differ from -(1 - 1/K) and 1/K. ``spread``: root mean square of the
    logits, less each example's mean. ``class_excess``: share of the examples in a class, less 1/K. ``marginal``:
    Kullback-Leibler divergence, in nats, from the mean prediction to the shares of the classes. ``loss``: over ln K.
    """
    x, y = snapshot.train
    outputs = snapshot.outputs(x)
    gradient = np.asarray(_gradient(outputs, jnp.asarray(y)), np.float64)
    values = np.asarray(outputs, np.float64)
    centred, classes = values - values.mean(1, keepdims=True), values.shape[1]
    own = np.arange(classes) == np.asarray(y)[:, None]
    shares = own.mean(0)
    predicted = 1.0 / classes - own
    # The prediction itself: the gradient is the softmax less the label.
    mean = (gradient + own).mean(0)
    seen = shares > 0
    return {
        "correct": gradient[own].mean(),
        "other": gradient[~own].mean(),
        "deviation": classes * np.sqrt(np.square(gradient - predicted).mean()),
        "spread": np.sqrt(np.square(centred).mean()),
        "correct_logit": values[own].mean(),
        "other_logit": values[~own].mean(),
        "class_logit": (("class",), values.mean(0)),
        "class_excess": (("class",), shares - 1.0 / classes),
        "marginal": float((shares[seen] * np.log(shares[seen] / np.maximum(mean[seen], 1e-30))).sum()),
        "loss": np.asarray(cross_entropy(outputs, jnp.asarray(y)), np.float64).mean() / np.log(classes),
        "classes": float(classes),
    }


def of_networks(runs: xr.Dataset) -> xr.Dataset:
    """What `logits` gives at every snapshot of a sweep."""
    return measure(runs, [logits]).reset_coords(drop=True)


def summary(measured: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """What `logits` and `first_changes` give for every sweep, ``(net, init_scale, seed, snapshot)`` and fewer.

    A name such as ``random_17_sgd`` gives the coordinates ``task``, ``classes`` and ``optimizer`` of ``net``.
    """
    nets, labels = [], []
    for name, found in measured.items():
        found = found.merge(first_changes(found))
        nets.append(found.drop_vars(["class_logit", "class_excess", "class", "classes"], errors="ignore"))
        kind, classes, optimizer = name.split("_")
        labels.append((f"{_TEXTS[kind]}, K = {classes}", int(classes), optimizer))
    tasks, counts, optimizers = map(list, zip(*labels, strict=True))
    names = [f"{task}, {optimizer}" for task, optimizer in zip(tasks, optimizers, strict=True)]
    of_net = {"task": ("net", tasks), "classes": ("net", counts), "optimizer": ("net", optimizers)}
    return xr.concat(nets, xr.Variable("net", names)).assign_coords(of_net)


def first_changes(found: xr.Dataset) -> xr.Dataset:
    """Change of the correct logit in the first step, ``ratio`` of the others to it, and what it owes to the class shares."""
    first = found.isel(snapshot=1, drop=True) - found.isel(snapshot=0, drop=True)
    excess = found["class_excess"].isel(snapshot=0, drop=True)
    correlation = xr.corr(first["class_logit"], excess, "class")
    ratio = first["other_logit"] / first["correct_logit"]
    return xr.Dataset({"correct_change": first["correct_logit"], "ratio": ratio, "marginal_correlation": correlation})


def departures(found: xr.Dataset) -> xr.Dataset:
    """Steps until the mean gradient in the correct logit is ``departed``, with the loss there, and class shares are learned.

    The shares are learned when ``marginal`` is at a tenth of its first value. Infinite for never.
    """
    relative = found["correct"] / -(1.0 - 1.0 / found["classes"])
    divergence = found["marginal"] / found["marginal"].isel(snapshot=0, drop=True)
    departed = analysis.time_to_threshold(relative, DEPARTED, "snapshot", direction="falling")["time"]
    learned = analysis.time_to_threshold(divergence, 0.1, "snapshot", direction="falling")["time"]
    loss = at_own_time(found["loss"], departed, "snapshot")
    return xr.Dataset({"departed": departed, "marginal_learned": learned, "loss": loss})


def exponents(start: xr.Dataset) -> xr.DataArray:
    """Power of the logits' spread that the deviation of single gradients follows ``(seed,)``.

    The slope of their logarithms, over all networks with a spread below one half; NaN for fewer than two.
    """

    def slope(spread: np.ndarray, deviation: np.ndarray) -> float:
        small = (spread < 0.5) & (spread > 0.0)
        if small.sum() < 2:
            return float("nan")
        return float(np.polyfit(np.log(spread[small]), np.log(deviation[small]), 1)[0])

    flat = start[["spread", "deviation"]].reset_coords(drop=True).stack(run=["net", "init_scale"])
    dims = [["run"], ["run"]]
    found: xr.DataArray = xr.apply_ufunc(slope, flat["spread"], flat["deviation"], input_core_dims=dims, vectorize=True)
    return found
