"""The local learning coefficient of snapshots, step by step: temperatures, step sizes, chains, estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from memjax.measures.sampled.chains import Around, Place, check_batch, rises, temperature
from memjax.measures.sampled.estimates import Used, estimates, labelled
from memjax.measures.sampled.settings import Settings
from memjax.measures.sampled.step_size import calibrated, pilot
from memjax.types import Trainer

__all__ = ["learning_coefficients"]


def learning_coefficients(
    snapshots: Sequence[Any], settings: Settings, train: Trainer
) -> list[dict[str, xr.DataArray]]:
    """Estimates for every snapshot, by name; see `memjax.measures.llc`.

    Raises
    ------
    InputError
        If n / log n is asked for and a snapshot was trained on one example.
    """
    for snapshot in snapshots:
        check_batch(snapshot, settings)
    nbeta = np.array([[temperature(one, snapshot) for one in settings.nbeta] for snapshot in snapshots])
    centers = [Around(snapshot, snapshot.start) for snapshot in snapshots]
    # With step size 0, so that the pilots' compiled program is reused; record 0 holds loss and curvature at the snapshot.
    at = train([pilot(Place(center, 1.0, 0.0), settings, 0) for center in centers])
    lowest = np.array([one.records["loss"][0] for one in at], np.float64)
    bend = np.array([one.records["curvature"][0] for one in at], np.float64)
    steepest = nbeta * np.maximum(bend, 0)[:, None] + settings.localization
    if settings.step_size is None:
        step_size, steepest = calibrated(centers, nbeta, steepest, settings, train)
    else:
        step_size = np.full(nbeta.shape, settings.step_size)
    traces = nbeta[..., None, None] * rises(centers, nbeta, step_size, settings, train)
    used = [Used(*one) for one in zip(nbeta, step_size, steepest, lowest, strict=True)]
    columns = [
        estimates(own, at, len(center.start.parameters), settings)
        for center, own, at in zip(centers, traces, used, strict=True)
    ]
    return [labelled(column, settings) for column in columns]
