"""Learning coefficients if the loss were an exact square around a network, at several noises."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.measure import measure
from memjax.results.snapshots import Snapshot
from memjax.studies.memorizing_circuits.coefficients import SETTINGS, facts, laid_out, slopes
from memjax.studies.memorizing_circuits.parts import NOISE
from memjax.types import Array, Model, Params

__all__ = ["NOISES", "by_size", "exact", "jacobian", "of_network", "per_point", "steepness"]

NOISES = (10 * NOISE, NOISE, NOISE / 10)
"""Standard deviations of the noise on every output: that of the study, and ten times as much and a tenth."""


def exact(squares: npt.ArrayLike, points: int, noise: float, pull: float) -> float:
    """Mean of n beta times the rise of the loss over draws around the minimum of a square, which is what `llc` estimates.

    The loss of Gaussian noise s on the outputs of n points has the Hessian J'J / (n s^2) where these points are fitted. At
    n beta = n / log n and a pull g a direction with the eigenvalue e of J'J gives half of h / (h + g), h = e / (s^2 log n).

    Parameters
    ----------
    squares
        Eigenvalues of J'J that are not zero, J the derivative of all outputs in all parameters.
    points
        Number of train points n.
    noise
        Standard deviation s of the noise on every output.
    pull
        Strength of the pull towards the network, the ``localization`` of `llc`.

    Examples
    --------
    Steep directions count one half each, and flat ones nothing:

    >>> round(exact([1e9, 1e9, 1e-9], 10, 0.01, 100.0), 6)
    1.0
    """
    stiff = np.asarray(squares, np.float64) / (noise**2 * np.log(points))
    return float((stiff / (stiff + pull)).sum() / 2)


@partial(jax.jit, static_argnums=0)
def jacobian(model: Model, params: Params, x: Array) -> Params:
    """Derivatives of the outputs ``[N, C, ...]`` in every parameter, for inputs ``x[N, ...]``."""
    return jax.vmap(lambda one: jax.jacrev(lambda at: model.apply(at, one[None])[0])(params))(x)


def steepness(snapshot: Snapshot) -> np.ndarray:
    """Eigenvalues of J'J that can differ from zero, ``float64[min(N C, d)]``, for the train points of a network."""
    parts = jax.tree.leaves(jacobian(snapshot.model, snapshot.params, snapshot.train.x))
    rows = np.concatenate([np.asarray(part, np.float64).reshape(*part.shape[:2], -1) for part in parts], -1)
    whole = rows.reshape(-1, rows.shape[-1])
    small = whole @ whole.T if len(whole) < whole.shape[1] else whole.T @ whole
    return np.asarray(np.linalg.eigvalsh(small).clip(0))


def of_network(snapshot: Snapshot) -> dict[str, Any]:
    """`facts` of a network, and ``exact`` ``(noise,)``: its coefficient at `NOISES`.

    NaN for a network that has as many outputs on train points as parameters, or more: it does not end at a loss of zero, so
    that its loss has another Hessian.
    """
    known = facts(snapshot)
    values = np.full(len(NOISES), np.nan)
    if known["points"] * known["modulus"] < known["weights"]:
        squares = steepness(snapshot)
        values = np.array([exact(squares, known["points"], noise, SETTINGS.localization) for noise in NOISES])
    return {**known, "exact": xr.DataArray(values, {"noise": list(NOISES)}, "noise")}


def by_size(runs: xr.Dataset) -> xr.Dataset:
    """Coefficients of the networks that have fewer outputs on train points than parameters, ``(task, points, seed, noise)``."""
    found = measure(runs, [of_network]).isel(snapshot=-1, drop=True)
    return laid_out(found, runs, "points", ["exact", "modulus", "weights"]).dropna("points")


def per_point(found: xr.Dataset) -> xr.DataArray:
    """What every further point adds to the coefficient, ``(task, seed, noise)``."""
    return slopes(found["exact"], "points")
