"""Numbers of the study edge-of-stability: the sharpness over its limit of stability, and how often the loss rises."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis

__all__ = ["at_the_edge", "rises", "sharpening"]

_END = 0.25
# A run that hovers a thousandth below has arrived too.
_THERE = 0.98


def at_the_edge(runs: xr.Dataset) -> xr.Dataset:
    """Sharpness, and its ratio to the limit above which a quadratic loss diverges, (2 + 2 momentum) / learning rate.

    ``arrival`` is the step at which 98% of the limit is first reached (infinity: never, NaN: diverged before), ``start`` the
    ratio at step 0; ``end`` and ``end_sharpness`` are means of ratio and sharpness over the last quarter of the records.
    """
    momentum = runs["momentum"] if "momentum" in runs.dims else 0.0
    limit = (2.0 + 2.0 * momentum) / runs["learning_rate"]
    sharpness = runs["sharpness"].reset_coords(drop=True)
    ratio = sharpness / limit
    last = sharpness.isel(step=slice(-max(1, round(_END * sharpness.sizes["step"])), None)).mean("step", skipna=False)
    return xr.Dataset(
        {
            "limit": limit,
            "sharpness": sharpness,
            "ratio": ratio,
            "arrival": analysis.time_to_threshold(ratio, _THERE)["time"],
            "start": ratio.isel(step=0, drop=True),
            "end": last / limit,
            "end_sharpness": last,
        }
    )


def rises(step_loss: xr.DataArray, arrival: xr.DataArray) -> xr.Dataset:
    """Shares of single steps at which the loss rises ``before`` and ``after`` arrival (NaN: no such steps), and its ``fall``.

    That is the mean loss of the last tenth of the steps over that of the tenth after arrival.
    """
    loss = step_loss.isel(step=slice(1, None)).reset_coords(drop=True)
    since = loss["step"] >= arrival
    rose, known = loss.diff("step") > 0.0, since.isel(step=slice(1, None))
    tenth = max(1, loss.sizes["step"] // 10)
    first = loss.where(since & (loss["step"] < arrival + tenth)).mean("step")
    last = loss.isel(step=slice(-tenth, None)).mean("step", skipna=False)
    # Arrived within the last tenth there is no later one to compare with.
    early = arrival + 2 * tenth <= int(loss["step"][-1])
    before, after = (rose.where(part).mean("step") for part in (~known, known))
    return xr.Dataset({"before": before, "after": after, "fall": (last / first).where(early)})


def sharpening(found: xr.Dataset) -> xr.DataArray:
    """Spearman correlation of the sharpness with the step up to arrival, run by run; NaN for fewer than three records."""
    rising = found["sharpness"].where(found["sharpness"]["step"] <= found["arrival"])
    order: xr.DataArray = xr.apply_ufunc(_order, rising, input_core_dims=[["step"]], vectorize=True)
    return order


def _order(series: np.ndarray) -> float:
    """Spearman correlation of a series with its index, over its finite records."""
    values = series[np.isfinite(series)]
    if values.size < 3:
        return np.nan
    ranks = values.argsort().argsort()
    return float(np.corrcoef(ranks, np.arange(values.size))[0, 1])
