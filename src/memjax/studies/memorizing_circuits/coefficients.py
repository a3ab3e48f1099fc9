"""Learning coefficients of networks that memorise random labels, and of networks that learn addition on the same inputs."""

from __future__ import annotations

import xarray as xr

from memjax.measure import measure
from memjax.measures.sampled.llc import llc
from memjax.studies.memorizing_circuits.runs import KINDS

__all__ = ["SETTINGS", "by_size", "slopes"]

SETTINGS = llc(draws=300, burn_in=200, chains=2, safety=0.03)
"""The estimator, at n beta = n / log n."""
_KEPT = ("llc", "llc_error", "llc_verdict", "llc_r_hat")


def by_size(runs: xr.Dataset) -> xr.Dataset:
    """Estimates at the end of the runs, ``(task, train_size, seed)``; ``task`` is named as in `KINDS`."""
    found = measure(runs, [SETTINGS])[list(_KEPT)].isel(snapshot=-1, drop=True).reset_coords(drop=True)
    return found.assign_coords(task=list(KINDS))


def slopes(values: xr.DataArray, dim: str) -> xr.DataArray:
    """Slope of values in the numeric coordinate of a dimension, by least squares for every run, ``(...)``.

    Examples
    --------
    >>> values = xr.DataArray([[1.0, 2.0, 3.0]], {"train_size": [10, 12, 14]}, ("seed", "train_size"))
    >>> slopes(values, "train_size").values.round(9).tolist()
    [0.5]
    """
    at = values[dim] - values[dim].mean()
    found: xr.DataArray = (values * at).sum(dim, skipna=False) / (at**2).sum(dim)
    return found
