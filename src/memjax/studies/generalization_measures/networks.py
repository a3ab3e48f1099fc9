"""What is measured on every network of the grid, and its learning coefficient."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from memjax import measures
from memjax.measure import measure
from memjax.measures import gradient_noise, llc, norm_complexity, pac_bayes
from memjax.results.snapshots import Snapshot

__all__ = ["COEFFICIENT", "coefficients", "of_networks", "tested"]

COEFFICIENT = llc(step_size=4e-3, localization=10.0, draws=200, burn_in=150, chains=1, batch_size=20)
"""The estimator of the learning coefficient, at n beta = n / ln n; chosen by its verdicts and its time, before any score."""
_KEPT = ("llc", "llc_error", "llc_verdict")


def tested(snapshot: Snapshot) -> dict[str, Any]:
    """Accuracies of a network on every second test row from the first on, ``tested``, and on the others, ``tested_again``.

    ``test_rows``: number of the first half.
    """
    right = np.asarray(snapshot.outputs(snapshot.test.x)).argmax(1) == np.asarray(snapshot.test.y)
    return {"tested": right[::2].mean(), "tested_again": right[1::2].mean(), "test_rows": len(right[::2])}


def of_networks(runs: xr.Dataset) -> xr.Dataset:
    """All measures but the learning coefficient of the last network of every run, over the axes of the sweep.

    ``reached``: whether the run came down to the cross-entropy at which runs stop. ``steps``: when it stopped.
    """
    recorded = [one.on("train") for one in (measures.loss, measures.accuracy, measures.prediction_entropy)]
    whole = ["weight_l2", "distance_from_init", "sharpness"]
    found = measure(runs, [norm_complexity(), pac_bayes(), gradient_noise(), tested, *recorded, *whole])
    last = found.isel(snapshot=-1, drop=True)
    own = {
        "reached": runs["status"] == "stopped",
        "steps": runs["stop_step"].astype(float),
        "parameters": runs["num_parameters"].astype(float),
    }
    return last.reset_coords(drop=True).assign({name: values.reset_coords(drop=True) for name, values in own.items()})


def coefficients(runs: xr.Dataset) -> xr.Dataset:
    """Learning coefficient of the last network of every run, its error, and the number of its verdict."""
    found = measure(runs, [COEFFICIENT]).isel(snapshot=-1, drop=True)
    return found[[*_KEPT]].reset_coords(drop=True)
