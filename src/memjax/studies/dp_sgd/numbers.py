"""Numbers of the study dp-sgd: guarantees, accuracies on Poisson batches, and which clip norm costs least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import gammaln, logsumexp

from memjax import privacy
from memjax.measure import measure
from memjax.measures.attributions.gradients import loss_gradients
from memjax.studies.dp_sgd.sizes import DELTA
from memjax.studies.kit import Estimate
from memjax.types import Data

__all__ = [
    "RATES",
    "accuracies",
    "bounds",
    "by_clip",
    "by_setting",
    "epsilons",
    "gradient_norms",
    "moments_epsilon",
    "scaled",
]

RATES = (0.001, 0.01)
"""False positive rates of attacks."""
# Rows whose gradients are measured on a network.
_ROWS = 500


def by_setting(runs: xr.Dataset) -> xr.Dataset:
    """Values at the end of training, with the dimension ``setting`` for clip norm and noise multiplier."""
    axis = next(str(dim) for dim in runs.dims if str(dim).startswith("clip_norm_"))
    last = {dim: -1 for dim in ("example_step",) if dim in runs.dims}
    return runs.isel(last, drop=True).rename({axis: "setting"})


def accuracies(lots: xr.Dataset) -> xr.Dataset:
    """Train and test accuracy at the last step of every run, and their ``gap``: ``(setting, seed)``.

    Runs may differ in their numbers of steps; the shorter ones have no value behind their end.
    """
    found = by_setting(lots)
    names = {"train": "train_accuracy", "test": "test_accuracy"}
    ends = {name: _last(found[variable]) for name, variable in names.items()}
    return xr.Dataset({**ends, "gap": ends["train"] - ends["test"]}).drop_attrs()


def _last(values: xr.DataArray) -> xr.DataArray:
    end = (values.notnull().cumsum("step") * values.notnull()).argmax("step")
    return values.isel(step=end).reset_coords(drop=True)


def epsilons(runs: xr.Dataset, accountant: str) -> xr.DataArray:
    """Epsilon ``(setting,)`` that an accountant finds for the runs of each setting; infinite without noise.

    The attributes name the accountant, the package and delta.
    """
    one = runs.isel(seed=[0])
    axis = next(str(dim) for dim in one.dims if str(dim).startswith("clip_norm_"))
    found = privacy.epsilon(one.isel({axis: one["noise_multiplier"].values > 0}), DELTA, accountant)
    known = found.isel(seed=0).reset_coords(drop=True).rename({axis: "setting"})
    return known.reindex(setting=one[axis].values, fill_value=np.inf)


def bounds(noise_multiplier: xr.DataArray, steps: int) -> xr.Dataset:
    """Largest memorisation score and true positive rates in a bank of halves on full batches, ``(setting,)`` and ``fpr``.

    Halves of one size differ by a replacement, which moves the sum of gradients by twice a clip norm. ``score`` and ``tpr`` are
    exact for the Gaussian mechanism, ``pair_score`` and ``pair_tpr`` follow from one pair of epsilon and delta.

    Examples
    --------
    >>> noise = xr.DataArray([20.0], {"setting": ["epsilon 2"]}, "setting")
    >>> found = bounds(noise, steps=100)
    >>> [round(float(found[name][0]), 3) for name in ("mu", "epsilon", "score", "pair_score")]
    [0.5, 1.993, 0.383, 0.964]
    """
    fpr = xr.DataArray(list(RATES), {"fpr": list(RATES)}, "fpr")
    mu = privacy.gaussian_composition(noise_multiplier, steps)
    epsilon = privacy.gaussian_epsilon(mu, DELTA)
    twice, delta = privacy.replace_one(epsilon, DELTA)
    found = {
        "mu": mu,
        "epsilon": epsilon,
        "score": privacy.gaussian_advantage(2 * mu),
        "tpr": xr.apply_ufunc(privacy.gaussian_power, 2 * mu, fpr),
        "pair_score": privacy.memorization_bound(epsilon, DELTA, train_sets="one size"),
        "pair_tpr": xr.apply_ufunc(privacy.tpr_bound, fpr, twice, delta),
    }
    return xr.Dataset(found).reset_coords(drop=True)


def gradient_norms(lots: xr.Dataset, *, setting: str) -> xr.Dataset:
    """Median length ``median (seed, snapshot)`` of the unclipped gradients of single train examples, along training."""
    axis = next(str(dim) for dim in lots.dims if str(dim).startswith("clip_norm_"))
    return measure(lots.sel({axis: setting}), [_median_norm])[["median"]].drop_attrs()


def _median_norm(snapshot: Any) -> Mapping[str, float]:
    data = Data(*(part[:_ROWS] for part in snapshot.train))
    return {"median": float(np.median(np.linalg.norm(loss_gradients(snapshot, data), axis=1)))}


def by_clip(clips: xr.Dataset, norms: xr.Dataset) -> xr.Dataset:
    """Test accuracy by clip norm, and the best clip norm over the median gradient.

    Parameters
    ----------
    clips
        ``test_accuracy`` by ``clip_norm``, ``learning_rate``, ``seed`` and ``step``.
    norms
        What `gradient_norms` gives.

    Returns
    -------
    xarray.Dataset
        ``test`` ``(clip_norm, learning_rate, seed)``; ``rate`` ``(clip_norm,)``, the learning rate with the best mean over
        seeds, and ``own`` ``(clip_norm, seed)``, the accuracy there; ``norm`` ``(seed,)``, the mean over training of the median
        length; ``best`` ``(seed,)``, the clip norm with the highest of the ``own`` accuracies, over ``norm``.
    """
    test = clips["test_accuracy"].isel(step=-1, drop=True)
    test = test.isel({dim: 0 for dim in test.dims if dim == "noise_multiplier"}).reset_coords(drop=True)
    at = test.mean("seed").argmax("learning_rate")
    own = test.isel(learning_rate=at).reset_coords(drop=True)
    norm = norms["median"].mean("snapshot").reset_coords(drop=True)
    best = own["clip_norm"][own.argmax("clip_norm")].reset_coords(drop=True) / norm
    rate = xr.DataArray(test["learning_rate"].values[at.values], {"clip_norm": test["clip_norm"]}, "clip_norm")
    return xr.Dataset({"test": test, "own": own, "rate": rate, "norm": norm, "best": best}).drop_attrs()


def moments_epsilon(share: float, noise_multiplier: float, steps: int, orders: int = 64) -> float:
    """Epsilon of the moments accountant at `DELTA`, from whole orders alone (Abadi et al. 2016, theorem 2 and section 3.2).

    The moment of order lambda = a - 1 of a step is the logarithm of ``sum_k C(a, k) (1 - q)^(a - k) q^k exp((k^2 - k) / (2
    sigma^2))``, which holds in one direction of two; the other is smaller for these numbers.

    Examples
    --------
    >>> round(moments_epsilon(0.01, 4.0, 10_000), 2)
    1.26
    """
    found = []
    for order in range(2, orders + 1):
        k = np.arange(order + 1)
        ways = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
        logs = ways + (order - k) * np.log1p(-share) + k * np.log(share) + (k**2 - k) / (2 * noise_multiplier**2)
        found.append((steps * float(logsumexp(logs)) - np.log(DELTA)) / (order - 1))
    return float(min(found))


def scaled(found: Estimate, factor: float) -> Estimate:
    """An estimate times a positive number, with its interval and its range of single runs.

    Examples
    --------
    >>> scaled(Estimate(0.2, 0.1, 0.3, count=4), 10.0).high
    3.0
    """
    names = ("value", "low", "high", "smallest", "largest")
    return replace(found, **{name: getattr(found, name) * factor for name in names})
