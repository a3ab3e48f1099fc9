"""Numbers of the study l2-memorization: the peak of the gap, and the power laws of its rising branch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from memjax import analysis

__all__ = ["Laws", "laws", "peak"]

_RISING = slice(50, 1600)
_EXPONENTS = np.round(np.arange(0.2, 0.4005, 0.005), 3)


class Laws(NamedTuple):
    """The gaps on 50 to 1600 examples, and their fits: A N^B + C and A N^B to the mean over seeds, the first to each alone.

    ``ridge`` is the first law with its exponent held at other values.
    """

    rising: xr.DataArray
    offset: xr.Dataset
    plain: xr.Dataset
    alone: xr.Dataset
    ridge: xr.Dataset


def peak(gap: xr.DataArray) -> xr.Dataset:
    """Where the gap ``(train_size, seed)`` is largest, and how far it rises there above the ends of the curve.

    By seed: ``location``, the seed's own maximum (NaN if a run of it diverged), and heights at the maximum of the mean over
    seeds; ``noise`` is the standard deviation of one run, once the level of its seed is taken out.
    """
    at_top = gap.isel(train_size=int(gap.mean("seed").argmax("train_size")), drop=True)
    return xr.Dataset(
        {
            "location": gap.idxmax("train_size").where(gap.notnull().all("train_size")),
            "height": at_top,
            "over_ends": at_top - gap.isel(train_size=[0, -1]).mean("train_size", skipna=False),
            "over_last": at_top - gap.isel(train_size=-1, drop=True),
            "noise": analysis.peak(gap, resamples=0)["noise"],
        }
    )


def laws(gap: xr.DataArray) -> Laws:
    """Power laws of the rising branch of the gap ``(train_size, seed)``."""
    rising, law = gap.sel(train_size=_RISING), "offset power law"
    return Laws(
        rising=rising,
        offset=analysis.fit(rising, law),
        plain=analysis.fit(rising, "power law"),
        # Under another name the seeds are separate curves, each with a fit of its own.
        alone=analysis.fit(rising.rename(seed="run"), law, interval=None).rename(run="seed"),
        ridge=analysis.profile(rising, law, "exponent", values=_EXPONENTS),
    )
