"""Geometry of the study toy-double-descent: what the two hidden dimensions are spent on, points or features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.measure import measure
from memjax.measures import feature_dimensionality
from memjax.results.snapshots import Snapshot

__all__ = ["PENTAGON", "best_of", "best_runs", "geometry", "large_features", "random_spread", "spread_of_angles"]

FloatArray = npt.NDArray[np.float64]

PENTAGON = 5
"""Features that two hidden dimensions hold at large T, as published."""


def geometry(snapshot: Snapshot) -> Mapping[str, Any]:
    """Hidden vectors h of the train examples, feature vectors W_i, and the dimensionality of each of either.

    D_X = ||h_i||^2 / sum_j (hhat_i . h_j)^2 and D_f the same of the W_i (T. Henighan et al., 2023).
    """
    hidden = np.asarray(snapshot.hidden(snapshot.train.x)["hidden"], np.float64)
    features = np.asarray(snapshot.params["tied"]["kernel"], np.float64)
    return {
        "hidden": (("example", "unit"), hidden),
        "features": (("feature", "unit"), features),
        "d_x": (("example",), feature_dimensionality(hidden)),
        "d_f": (("feature",), feature_dimensionality(features)),
    }


def best_runs(dataset: xr.Dataset) -> xr.Dataset:
    """Final losses, norm and `geometry` of a sweep with one snapshot, of the final step, as `best_of` gives them."""
    end = dataset[["train_loss", "test_loss", "weight_l2"]].isel(step=-1).reset_coords(drop=True)
    return best_of(end.merge(measure(dataset, [geometry]).isel(snapshot=-1, drop=True)))


def best_of(runs: xr.Dataset) -> xr.Dataset:
    """Of every data set, the initialisation with the least train loss, and numbers of its geometry.

    Parameters
    ----------
    runs
        Losses, norm and what `geometry` gives, by ``train_size``, ``data_seed`` and ``init_seed``.

    Returns
    -------
    xr.Dataset
        The same by ``train_size`` and ``seed`` (the data set), and

        - ``even``: median D_X over m / T, 1 for a regular polygon;
        - ``spread_norm``, ``spread_angle``: standard deviation over mean of the lengths of the h_i, and of the angles
          between neighbours, 0 for a regular polygon;
        - ``five``: share of the five largest in the sum of D_f;
        - ``num_large``, ``d_large``, ``spread_large``: number of `large_features`, their mean D_f, and the spread of
          the angles between neighbours;
        - ``inits_spread``: standard deviation of the final train loss over initialisations.
    """
    # A run that diverged is no candidate, unless all did.
    chosen = runs["train_loss"].fillna(np.inf).argmin("init_seed")
    best = runs.isel(init_seed=chosen).drop_vars("init_seed").assign(inits_spread=runs["train_loss"].std("init_seed"))
    best = best.rename(data_seed="seed")
    return best.assign(_of_points(best)).assign(_of_features(best))


def _of_points(best: xr.Dataset) -> dict[str, xr.DataArray]:
    lengths = (best["hidden"] ** 2).sum("unit", skipna=False) ** 0.5
    return {
        "even": best["d_x"].median("example") * best["train_size"] / best.sizes["unit"],
        "spread_norm": lengths.std("example") / lengths.mean("example"),
        "spread_angle": _angles(best["hidden"], "example"),
    }


def _of_features(best: xr.Dataset) -> dict[str, xr.DataArray]:
    large = large_features(best["features"])
    descending = xr.apply_ufunc(
        lambda d: -np.sort(-d), best["d_f"], input_core_dims=[["feature"]], output_core_dims=[["feature"]]
    )
    return {
        "five": descending.isel(feature=slice(PENTAGON)).sum("feature", skipna=False)
        / best["d_f"].sum("feature", skipna=False),
        "num_large": large.sum("feature"),
        "d_large": best["d_f"].where(large).mean("feature"),
        "spread_large": _angles(best["features"].where(large), "feature"),
    }


def large_features(features: xr.DataArray) -> xr.DataArray:
    """Whether a feature's vector ``(..., feature, unit)`` is at least half as long as the longest."""
    lengths = (features**2).sum("unit", skipna=False) ** 0.5
    return lengths >= 0.5 * lengths.max("feature")


def _angles(vectors: xr.DataArray, dim: str) -> xr.DataArray:
    return xr.apply_ufunc(spread_of_angles, vectors, input_core_dims=[[dim, "unit"]], vectorize=True)


def spread_of_angles(vectors: npt.ArrayLike) -> float:
    """Standard deviation over mean of the angles between neighbours of vectors in the plane, all the way round.

    Parameters
    ----------
    vectors
        ``[N, 2]``; rows with NaN, which stand for nothing, and rows of zeros, which have no direction, are left out.

    Returns
    -------
    float
        0 for directions that divide the circle evenly; NaN for fewer than two.

    Examples
    --------
    >>> spread_of_angles([[1.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, -2.0]])
    0.0
    """
    x, y = np.asarray(vectors, np.float64).T
    there = np.isfinite(x) & np.isfinite(y) & ((x != 0.0) | (y != 0.0))
    turns = np.sort(np.arctan2(y[there], x[there])) / (2.0 * np.pi)
    if turns.size < 2:
        return float("nan")
    gaps = np.diff(turns, append=turns[0] + 1.0)
    return float(gaps.std() * gaps.size)


def random_spread(count: npt.ArrayLike) -> FloatArray:
    """`spread_of_angles` of directions drawn uniformly: sqrt((N - 1) / (N + 1)), from the variance of N random arcs.

    Examples
    --------
    >>> f"{random_spread(10):.2f}"
    '0.90'
    """
    n = np.asarray(count, np.float64)
    return np.sqrt((n - 1.0) / (n + 1.0))
