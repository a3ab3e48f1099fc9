"""What a slingshot is, for the study of that name: a spike of the train loss at the end of a growth of the last layer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.measure import measure
from memjax.measures import feature_change
from memjax.results.snapshots import Snapshot

__all__ = ["CALM", "SPIKE", "WINDOW", "changes", "events", "spikes_of"]

CALM, SPIKE = 1e-4, 1e-2
"""Losses, in nats: a run is calm at or below the first, and a spike is the first record at or above the second after that."""

WINDOW = 20
"""Records over which growth is taken: a spike belongs to the window after it."""

FloatArray = npt.NDArray[np.float64]


def events(runs: xr.Dataset) -> xr.Dataset:
    """Spikes and slingshots of every run.

    Parameters
    ----------
    runs
        ``step_loss`` and ``last_layer_l2`` by ``step`` and whatever was swept.

    Returns
    -------
    xr.Dataset
        By run: ``spikes`` and ``slingshots``, numbers; ``before`` and ``after``, the relative growth of the last layer in the
        window before a spike and in the one after it, means over all spikes with both (NaN: none), slingshots or not;
        ``first``, the step of the first slingshot (infinity: never); ``growth`` and ``plateau``, those growths at the first
        slingshot; ``height``, the largest loss of that spike; ``fitted``, the step at which the run is calm for the first
        time; ``least_loss``, the least loss of a record; ``at``, whether a record is the start of a slingshot.

    Notes
    -----
    A slingshot is one because it grows more before than after: of random walks too. Whether growth is faster before can be
    asked of ``before`` and ``after`` only.
    """
    loss, norm = (
        runs[name].isel(step=slice(1, None)).reset_coords(drop=True) for name in ("step_loss", "last_layer_l2")
    )
    names = ("spikes", "slingshots", "before", "after", "first", "growth", "plateau", "height", "fitted")
    *numbers, at = xr.apply_ufunc(
        _of_run,
        loss,
        norm,
        loss["step"],
        input_core_dims=[["step"]] * 3,
        output_core_dims=[[]] * len(names) + [["step"]],
        vectorize=True,
    )
    return xr.Dataset(dict(zip(names, numbers, strict=True)) | {"at": at, "least_loss": loss.min("step")})


def spikes_of(loss: FloatArray) -> list[int]:
    """Records ``[R]`` at which a loss, having been calm, is a spike.

    Examples
    --------
    >>> spikes_of(np.array([2.0, 1e-5, 0.5, 0.1, 1e-3, 0.3, 0.0, 0.02]))
    [2, 7]
    """
    calm, found = False, []
    for place, value in enumerate(loss):
        if value <= CALM:
            calm = True
        elif value >= SPIKE and calm:
            found.append(place)
            calm = False
    return found


def _of_run(loss: FloatArray, norm: FloatArray, step: FloatArray) -> tuple[Any, ...]:
    spikes = spikes_of(loss)
    growths = [_growths(norm, place) for place in spikes]
    # A plateau that is not known, NaN, is slower than nothing.
    shots = [
        (place, growth, plateau)
        for place, (growth, plateau) in zip(spikes, growths, strict=True)
        if growth > 0.0 and growth > plateau
    ]
    at = np.zeros(len(loss), bool)
    at[[place for place, *_ in shots]] = True
    calm = np.flatnonzero(loss <= CALM)
    fitted = step[calm[0]] if calm.size else np.inf
    known = [pair for pair in growths if np.isfinite(pair[1])]
    before, after = np.mean(known, axis=0) if known else (np.nan, np.nan)
    counts = float(len(spikes)), float(len(shots)), float(before), float(after)
    if not shots:
        return *counts, np.inf, np.nan, np.nan, np.nan, float(fitted), at
    place, growth, plateau = shots[0]
    height = loss[place : place + WINDOW].max()
    return *counts, float(step[place]), growth, plateau, float(height), float(fitted), at


def _growths(norm: FloatArray, place: int) -> tuple[float, float]:
    """Relative growth in the window before a spike, and in the one after the spike's own; NaN where the run has ended."""
    before = norm[place] / norm[max(0, place - WINDOW)] - 1.0
    if place + 2 * WINDOW >= len(norm):
        return float(before), np.nan
    return float(before), float(norm[place + 2 * WINDOW] / norm[place + WINDOW] - 1.0)


def _features(snapshot: Snapshot) -> Mapping[str, Any]:
    """Activations of the last hidden layer on the train inputs."""
    hidden = snapshot.hidden(snapshot.train.x)
    return {"features": (("example", "neuron"), np.asarray(list(hidden.values())[-1]))}


def changes(runs: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """How far features turn from one snapshot to the next, with and without a slingshot between the two.

    Returns
    -------
    xr.Dataset
        By the swept axes: ``during`` and ``apart``, means over pairs of consecutive snapshots of the mean of one minus the
        cosine between an example's features, after the run is calm for the first time; NaN where there is no such pair.
    """
    features = measure(runs, [_features])["features"].transpose(..., "snapshot", "example", "neuron")
    turned = feature_change(features.isel(snapshot=slice(None, -1)), features.isel(snapshot=slice(1, None)), "cosine")
    ends = features["snapshot"].values
    pairs = xr.DataArray(turned, dims=features.dims[:-2], coords={"snapshot": ends[1:]}).assign_coords(
        {dim: found[dim] for dim in found["first"].dims}
    )
    counted = [found["at"].sel(step=slice(low + 1, high)).any("step") for low, high in itertools.pairwise(ends)]
    inside = xr.concat(counted, xr.Variable("snapshot", ends[1:]))
    late = xr.DataArray(ends[:-1], dims="snapshot", coords={"snapshot": ends[1:]}) >= found["fitted"]
    return xr.Dataset(
        {"during": pairs.where(inside & late).mean("snapshot"), "apart": pairs.where(~inside & late).mean("snapshot")}
    )
