"""Learning coefficients of networks that memorise random labels, and of networks that learn a rule on the same inputs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from memjax.measure import measure
from memjax.measures.sampled.llc import llc
from memjax.results.snapshots import Snapshot
from memjax.studies.memorizing_circuits.pairs import KINDS
from memjax.studies.memorizing_circuits.parts import NOISE

__all__ = ["SETTINGS", "by_modulus", "by_size", "facts", "generalising", "laid_out", "of_networks", "slopes"]

SETTINGS = llc(localization=100.0, safety=0.1, draws=2000, burn_in=1000, chains=2)
"""The estimator, at n beta = n / log n of the Gaussian likelihood; chosen by linear networks alone, see the study's page."""
_KEPT = ("llc", "llc_error", "llc_verdict", "llc_r_hat", "llc_drift")
_GENERAL = 0.95


def facts(snapshot: Snapshot) -> dict[str, Any]:
    """What a network has learnt, from how much, and how well.

    ``kind``: place in `KINDS`. ``modulus``, ``points``, ``weights``: p, train points n and parameters d. ``train`` and
    ``test``: accuracies. ``residual``: root of the mean squared error of an output on train points.
    """
    task: Any = snapshot.experiment.task
    x, y = snapshot.train.x, np.asarray(snapshot.train.y)
    outputs = np.asarray(snapshot.outputs(x), np.float64)
    return {
        "kind": 2 if task.label_noise else 0 if callable(task.operation) else 1,
        "modulus": task.p,
        "points": len(y),
        "weights": len(snapshot.start.parameters),
        "train": (outputs.argmax(1) == y).mean(),
        "test": (np.asarray(snapshot.outputs(snapshot.test.x)).argmax(1) == np.asarray(snapshot.test.y)).mean(),
        "residual": np.sqrt(((outputs - np.eye(task.p)[y]) ** 2).mean()),
    }


def of_networks(runs: xr.Dataset, by: str) -> xr.Dataset:
    """Estimates and facts at the end of runs in one row, ``(task, by, seed)``; ``task`` is named as in `KINDS`.

    ``rise``: how far the loss of the draws lies above the network's, over the loss of constant outputs 1 / p. ``share``:
    coefficient over half of the number of parameters.
    """
    found = measure(runs, [SETTINGS, facts]).isel(snapshot=-1, drop=True)
    constant = (1 - 1 / found["modulus"]) / (2 * NOISE**2)
    found = found.assign(rise=found["llc"] / found["llc_nbeta"] / constant, share=2 * found["llc"] / found["weights"])
    names = [*_KEPT, "rise", "share", *(name for name in _FACTS if name != by)]
    return laid_out(found, runs, by, names)


def laid_out(found: xr.Dataset, runs: xr.Dataset, by: str, names: Sequence[str]) -> xr.Dataset:
    """Named numbers of runs in one row, with a dimension each for ``task``, ``by`` and ``seed``."""
    (row,) = map(str, found["kind"].dims)
    labels = {"task": found["kind"].values.astype(int), by: found[by].values.astype(int), "seed": runs["seed"].values}
    plain = found[[*names]].reset_coords(drop=True).drop_vars(row, errors="ignore")
    table = plain.assign_coords({name: (row, values) for name, values in labels.items()})
    index: dict[str, Sequence[Hashable]] = {row: [*labels]}
    there = table.set_index(index).unstack(row)
    return there.assign_coords(task=[KINDS[kind] for kind in there["task"].values])


_FACTS = ("modulus", "points", "weights", "train", "test", "residual")

by_size = partial(of_networks, by="points")
"""Networks of one modulus, ``(task, points, seed)``."""
by_modulus = partial(of_networks, by="modulus")
"""Networks on four fifths of all pairs, ``(task, modulus, seed)``."""


def generalising(found: xr.Dataset) -> xr.Dataset:
    """The moduli at which every network that learnt addition is right on at least 95% of the test pairs."""
    right = (found["test"].sel(task="addition", drop=True) >= _GENERAL).all("seed")
    return found.isel(modulus=np.flatnonzero(right.values))


def slopes(values: xr.DataArray, dim: str) -> xr.DataArray:
    """Slope of values in the numeric coordinate of a dimension, by least squares for every run, ``(...)``.

    NaN where the coordinate has fewer than two values.

    Examples
    --------
    >>> values = xr.DataArray([[1.0, 2.0, 3.0]], {"train_size": [10, 12, 14]}, ("seed", "train_size"))
    >>> slopes(values, "train_size").values.round(9).tolist()
    [0.5]
    """
    at = values[dim] - values[dim].mean()
    square = (at**2).sum(dim)
    found: xr.DataArray = (values * at).sum(dim, skipna=False) / square.where(square > 0)
    return found
