"""Estimates and verdicts from the losses along chains, by name and with labels."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from memjax.analysis.series.chains import effective_sample_size, r_hat
from memjax.measures.sampled.chains import FloatArray
from memjax.measures.sampled.settings import VERDICTS, Settings
from memjax.measures.sampled.step_size import LIMIT

__all__ = ["Used", "estimates", "labelled"]

_DRIFT_SHARE, _DRIFT_ERRORS = 0.1, 3.0


class Used(NamedTuple):
    """Settings of the chains around one snapshot, by temperature ``[J]``, and the loss at their start."""

    nbeta: FloatArray
    step_size: FloatArray
    curvature: FloatArray
    lowest: float


def estimates(
    traces: FloatArray, used: Used, parameters: int, settings: Settings
) -> dict[str, tuple[tuple[str, ...], Any]]:
    """Variables of one snapshot from ``traces[J, chains, draws]``, with the names of their dimensions after ``nbeta``."""
    whole = np.isfinite(traces).all(-1)
    chains = np.where(whole, traces.mean(-1), np.nan)
    # The mean of the chains that are whole; NaN where none is.
    means = np.divide(np.nansum(chains, -1), whole.sum(-1), out=np.full(len(chains), np.nan), where=whole.any(-1))
    half = traces.shape[-1] // 2
    drift = (traces[..., half:].mean(-1) - traces[..., :half].mean(-1)).mean(-1)
    error = np.sqrt(traces.var((-1, -2), ddof=1) / effective_sample_size(traces))
    agreement = r_hat(traces)
    stable = whole.all(-1) & (means <= parameters) & (used.step_size * used.curvature < LIMIT)
    # Each half has half the draws, and the drift is a difference of two.
    moved = np.abs(drift) > np.maximum(_DRIFT_SHARE * np.abs(means), _DRIFT_ERRORS * 2 * error)
    settled = (agreement <= settings.most_r_hat) & ~moved
    verdict = np.select([~stable, means < 0, ~settled], [3, 2, 1], 0)
    found: dict[str, tuple[tuple[str, ...], Any]] = {
        "llc": ((), means), "llc_error": ((), error), "llc_chain": (("chain",), chains), "llc_r_hat": ((), agreement),
        "llc_drift": ((), drift), "llc_verdict": ((), verdict), "llc_nbeta": ((), used.nbeta),
        "llc_step_size": ((), used.step_size), "llc_curvature": ((), used.curvature),
        "llc_loss": ((), np.full(used.nbeta.shape, used.lowest)),
    }  # fmt: skip
    return found | ({"llc_trace": (("chain", "draw"), traces)} if settings.traces else {})


_NAMES = {
    "llc": "local learning coefficient",
    "llc_error": "standard error of the local learning coefficient",
    "llc_chain": "local learning coefficient by each chain",
    "llc_trace": "n beta (L - L(w*)) of each draw",
    "llc_r_hat": "split R-hat of the chains",
    "llc_drift": "second half of the chains minus first half",
    "llc_verdict": "verdict on the estimate",
    "llc_nbeta": "inverse temperature n beta",
    "llc_step_size": "step size of SGLD",
    "llc_curvature": "largest curvature of the drift of SGLD",
    "llc_loss": "train loss at the snapshot",
}


def labelled(values: dict[str, tuple[tuple[str, ...], Any]], settings: Settings) -> dict[str, xr.DataArray]:
    """The variables with labels and attributes, without the dimension ``nbeta`` where there is one temperature."""
    lead: tuple[str, ...] = ("nbeta",)
    coords = {"nbeta": settings.labels}
    if len(settings.nbeta) == 1:
        values = {name: (dims, array[0]) for name, (dims, array) in values.items()}
        lead, coords = (), {}
    found = {}
    for name, (dims, array) in values.items():
        found[name] = xr.DataArray(array, coords, (*lead, *dims), attrs={"long_name": _NAMES[name], "units": "1"})
    found["llc"].attrs["settings"] = json.dumps(dataclasses.asdict(settings))
    found["llc_verdict"].attrs |= {"flag_values": list(range(len(VERDICTS))), "flag_meanings": " ".join(VERDICTS)}
    return found
