"""How gradients of single points add up: cosines between them, and the length of their mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.measure import measure
from memjax.measures.attributions.gradients import loss_gradients
from memjax.results.snapshots import Snapshot

__all__ = ["QUANTILES", "cosines", "lengths", "of_networks"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of the cosines that are kept."""
_EDGES = np.linspace(-1.0, 1.0, 81)


def cosines(gradients: npt.ArrayLike) -> np.ndarray:
    """Cosines between the gradients of points, ``float64[N, N]``; NaN where a gradient is zero.

    Examples
    --------
    >>> cosines([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]).tolist()
    [[1.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]
    """
    values = np.asarray(gradients, np.float64)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    unit = values / np.where(norms > 0, norms, np.nan)
    return np.asarray(unit @ unit.T)


def lengths(gradients: npt.ArrayLike, counts: npt.ArrayLike) -> np.ndarray:
    """Norm of the mean gradient of the first points over their mean norm, ``float64[counts]``.

    Orthogonal gradients of one norm give 1 / sqrt(n), equal ones 1, and gradients that cancel 0.

    Examples
    --------
    >>> lengths(np.eye(4), [1, 4]).tolist(), lengths([[1.0], [-1.0]], [2]).tolist()
    ([1.0, 0.5], [0.0])
    """
    values = np.asarray(gradients, np.float64)
    norms = np.linalg.norm(values, axis=1)
    parts = [(values[:count].mean(0), norms[:count].mean()) for count in np.asarray(counts, int)]
    return np.array([np.linalg.norm(mean) / norm if norm > 0 else np.nan for mean, norm in parts])


def of_network(snapshot: Snapshot) -> dict[str, Any]:
    """Cosines and lengths of the gradients of a network's train points.

    ``mean``, ``same`` and ``other``: mean cosine of all pairs, of pairs with one label, and of pairs with two. ``negative``:
    share of the pairs with a cosine below 0. ``quantiles`` ``(quantile,)`` and ``density`` ``(cosine,)``: the distribution over
    pairs. ``length`` ``(points,)``: what `lengths` gives for halves, quarters and so on of the points.
    """
    gradients = loss_gradients(snapshot, snapshot.train)
    matrix, labels = cosines(gradients), np.asarray(snapshot.train.y)
    pair = np.triu_indices(len(labels), 1)
    values, same = matrix[pair], labels[pair[0]] == labels[pair[1]]
    values, same = values[np.isfinite(values)], same[np.isfinite(values)]
    counts = [len(labels) // part for part in (16, 8, 4, 2, 1) if part <= len(labels)]
    middles = (_EDGES[1:] + _EDGES[:-1]) / 2
    return {
        "mean": values.mean(),
        "same": values[same].mean(),
        "other": values[~same].mean(),
        "negative": (values < 0).mean(),
        "quantiles": xr.DataArray(np.quantile(values, QUANTILES), {"quantile": list(QUANTILES)}, "quantile"),
        "density": xr.DataArray(np.histogram(values, _EDGES, density=True)[0], {"cosine": middles}, "cosine"),
        "length": xr.DataArray(lengths(gradients, counts), {"points": counts}, "points"),
    }


def of_networks(runs: xr.Dataset) -> xr.Dataset:
    """What `of_network` gives for one network of every data set, ``(seed, snapshot, ...)``."""
    seeds = runs["seed"].values
    first = np.unique(seeds, return_index=True)[1]
    (run,) = runs["seed"].dims
    found = measure(runs.isel({run: first}), [of_network]).reset_coords(drop=True).drop_vars([run], errors="ignore")
    return found.rename({run: "seed"}).assign_coords(seed=seeds[first])
