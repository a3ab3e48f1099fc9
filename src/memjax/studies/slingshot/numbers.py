"""What a slingshot is: a spike of the train loss at the end of a growth of the last layer; and what changes with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax.measure import measure
from memjax.measures import feature_change
from memjax.results.snapshots import Snapshot

__all__ = ["CALM", "SPIKE", "WINDOW", "changes", "events", "generalisation", "spikes_of", "turns"]

CALM, SPIKE = 1e-4, 1e-2
"""Losses, in nats: a run is calm at or below the first, and a spike is the first record at or above the second after that."""

WINDOW = 20
"""Records over which growth is taken: a spike belongs to the window after it."""

_NUMBERS = ("spikes", "slingshots", "before", "after", "first", "growth", "plateau", "height", "fitted")


def events(runs: xr.Dataset) -> xr.Dataset:
    """Spikes and slingshots of every run, from ``step_loss`` and ``last_layer_l2`` by ``step`` and whatever was swept.

    ``before`` and ``after`` are the relative growth of the last layer in the windows around a spike, means over all spikes with
    both, slingshots or not (NaN: none). ``first`` is the step of the first slingshot (infinity: never), ``growth`` and
    ``plateau`` are those growths there, ``height`` is the largest loss of its spike. ``fitted`` is the first calm step, ``at``
    the records that start a slingshot. Random walks have slingshots too, for these are defined by more growth before than
    after: whether growth is faster before can be asked of ``before`` and ``after`` only.
    """
    later = runs[["step_loss", "last_layer_l2"]].isel(step=slice(1, None)).reset_coords(drop=True)
    loss, norm = later["step_loss"], later["last_layer_l2"]
    outputs: list[list[str]] = [[] for _ in _NUMBERS]
    inputs = [["step"]] * 3
    *numbers, at = xr.apply_ufunc(
        _of_run, loss, norm, loss["step"], input_core_dims=inputs, output_core_dims=[*outputs, ["step"]], vectorize=True
    )
    return xr.Dataset(dict(zip(_NUMBERS, numbers, strict=True)) | {"at": at, "least_loss": loss.min("step")})


def spikes_of(loss: np.ndarray) -> list[int]:
    """Records at which a loss ``[R]``, having been calm, is a spike."""
    calm, found = False, []
    for place, value in enumerate(loss):
        if value <= CALM:
            calm = True
        elif value >= SPIKE and calm:
            found.append(place)
            calm = False
    return found


def _of_run(loss: np.ndarray, norm: np.ndarray, step: np.ndarray) -> tuple[Any, ...]:
    spikes = [(place, *_growths(norm, place)) for place in spikes_of(loss)]
    # A plateau that is not known, NaN, is slower than nothing.
    shots = [spike for spike in spikes if spike[1] > 0.0 and spike[1] > spike[2]]
    calm, at = np.flatnonzero(loss <= CALM), np.zeros(len(loss), bool)
    at[[place for place, *_ in shots]] = True
    known = [growths for _, *growths in spikes if np.isfinite(growths[1])]
    before, after = np.mean(known, axis=0) if known else (np.nan, np.nan)
    first = (np.inf, np.nan, np.nan, np.nan)
    if shots:
        place, growth, plateau = shots[0]
        first = (float(step[place]), growth, plateau, float(loss[place : place + WINDOW].max()))
    fitted = float(step[calm[0]]) if calm.size else np.inf
    return float(len(spikes)), float(len(shots)), float(before), float(after), *first, fitted, at


def _growths(norm: np.ndarray, place: int) -> tuple[float, float]:
    """Relative growth in the window before a spike, and in the one after the spike's own; NaN where the run has ended."""
    before = norm[place] / norm[max(0, place - WINDOW)] - 1.0
    if place + 2 * WINDOW >= len(norm):
        return float(before), np.nan
    return float(before), float(norm[place + 2 * WINDOW] / norm[place + WINDOW] - 1.0)


def turns(runs: xr.Dataset) -> xr.Dataset:
    """``turn`` of the last hidden layer up to each ``snapshot`` from the one before, taken at the step ``since``.

    It is the mean over train examples of one minus the cosine.
    """
    features = measure(runs, [_features])["features"].transpose(..., "snapshot", "example", "neuron")
    turned = feature_change(features.isel(snapshot=slice(None, -1)), features.isel(snapshot=slice(1, None)), "cosine")
    pairs = features.isel(snapshot=slice(1, None), example=0, neuron=0, drop=True).copy(data=turned)
    since = xr.DataArray(features["snapshot"].values[:-1], {"snapshot": pairs["snapshot"]}, "snapshot")
    return xr.Dataset({"turn": pairs, "since": since}).reset_coords(drop=True)


def _features(snapshot: Snapshot) -> Mapping[str, Any]:
    """Activations of the last hidden layer on the train inputs."""
    hidden = snapshot.hidden(snapshot.train.x)
    return {"features": (("example", "neuron"), np.asarray(list(hidden.values())[-1]))}


def changes(turned: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """Means of the `turns` between snapshots with a slingshot of `events`, ``during``, and without one, ``apart``.

    Counted from when the run is calm for the first time; NaN where there is no such pair of snapshots.
    """
    turn, since = turned["turn"], turned["since"]
    pairs = [(int(low), int(high)) for low, high in zip(since, turned["snapshot"], strict=True)]
    counted = [found["at"].sel(step=slice(low + 1, high)).any("step") for low, high in pairs]
    inside, late = xr.concat(counted, turned["snapshot"]), since >= found["fitted"]
    means = {"during": turn.where(inside & late), "apart": turn.where(~inside & late)}
    return xr.Dataset(means).mean("snapshot")


def generalisation(runs: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """Test accuracy ``(loss, seed)`` two windows ``before`` the first slingshot of the plain loss, and ``after`` everything.

    The plain loss is the first, the exact one the second; ``first (seed,)`` is that step. NaN for a seed without a slingshot.
    """
    accuracy, first = runs["test_accuracy"].reset_coords(drop=True), found["first"].isel(loss=0, drop=True)
    there, every = np.isfinite(first), float(accuracy["step"][1] - accuracy["step"][0])
    place = (first - 2 * WINDOW * every).where(there, 0.0)
    before = accuracy.sel(step=place, method="nearest").drop_vars("step")
    after = accuracy.isel(step=-1, drop=True)
    return xr.Dataset({"first": first, "before": before.where(there), "after": after.where(there)})
