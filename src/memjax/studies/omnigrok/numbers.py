"""Numbers of the study omnigrok: losses at a norm that is held, where they are lowest, and delays at a norm that is free."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import at_own_time

__all__ = ["LEARNED", "crossings", "delays", "losses_at_norms", "lowest"]

LEARNED = 1e-3
"""Loss below which a split counts as learned: the published share of right answers asks for this loss of an example."""


def losses_at_norms(runs: xr.Dataset) -> xr.Dataset:
    """What runs at a held norm end with.

    Parameters
    ----------
    runs
        ``train_loss``, ``test_loss``, ``weight_l2`` and ``layer_l2`` by ``norm``, ``seed`` and ``step``.

    Returns
    -------
    xr.Dataset
        By norm and seed: both losses; ``weight_l2``, which counts every parameter once; ``published_l2``, which the published
        code calls l2 and whose square counts the kernel of the first layer twice.
    """
    end = runs.isel(step=-1, drop=True)
    first = end["layer_l2"].sel(parameter="layer_0/kernel")
    found = end[["train_loss", "test_loss", "weight_l2"]].assign(published_l2=np.hypot(end["weight_l2"], first))
    return found.reset_coords(drop=True)


def lowest(held: xr.Dataset) -> xr.Dataset:
    """Norm at which the geometric mean of the test loss is lowest, as `memjax.analysis.peak` finds it."""
    return analysis.peak(-_log(held["test_loss"]), dim="norm")


def crossings(held: xr.Dataset, above: float) -> xr.DataArray:
    """Norm at which the test loss rises through `LEARNED`, by seed, between two norms as a power law.

    Parameters
    ----------
    held
        ``test_loss`` from `losses_at_norms`.
    above
        The crossing is looked for from this norm up.

    Returns
    -------
    xr.DataArray
        ``(seed,)``; NaN where the test loss is not below `LEARNED` at first, or never above it later.
    """
    right = _log(held["test_loss"]).sel(norm=slice(above, None))
    right = right.assign_coords(norm=np.log10(right["norm"]))
    found = analysis.time_to_threshold(right, float(np.log10(LEARNED)), "norm")
    return xr.DataArray(10.0 ** found["time"].where(found["outcome"] == "reached"))


def delays(runs: xr.Dataset) -> xr.Dataset:
    """When runs at a free norm learn their train and test set, and their norms on the way.

    Parameters
    ----------
    runs
        ``train_loss``, ``test_loss`` and ``weight_l2`` by ``seed``, ``step`` and the swept axes.

    Returns
    -------
    xr.Dataset
        What `memjax.analysis.delay` gives; ``norm``, the norm when the test set is learned (infinity: never); ``start_norm``,
        ``end_norm`` and ``end_test_loss``; the records as coordinate ``step``.
    """
    plain = runs[["train_loss", "test_loss", "weight_l2"]].reset_coords(drop=True)
    train, test = (_log(plain[f"{split}_loss"]) for split in ("train", "test"))
    found = analysis.delay(train, test, float(np.log10(LEARNED)), direction="falling")
    norm = at_own_time(plain["weight_l2"], found["t_test"])
    start, end = (plain.isel(step=place, drop=True) for place in (0, -1))
    return found.assign(
        norm=norm.where(found["t_test"] != np.inf, np.inf),
        start_norm=start["weight_l2"],
        end_norm=end["weight_l2"],
        end_test_loss=end["test_loss"],
    ).assign_coords(step=plain["step"])


def _log(loss: xr.DataArray) -> xr.DataArray:
    return xr.DataArray(np.log10(loss))
