"""Step sizes of the chains: one short pilot chain with each of three, and the largest that stays stable."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from memjax.measures.measure import Measure
from memjax.measures.recorded.loss import loss
from memjax.measures.recorded.sharpness import hessian_top
from memjax.measures.sampled.chains import Around, FloatArray, Place, chain
from memjax.measures.sampled.settings import Settings
from memjax.types import Trainer

__all__ = ["LIMIT", "calibrated", "pilot"]

_PILOT_STEPS = 100
_SHARES = (1.0, 0.25, 0.0625)
# A step is stable up to 4 / curvature; what a chain meets beyond its pilot may be steeper.
LIMIT, _MARGIN = 4.0, 2.0
_TRAIN_LOSS = Measure(loss.function, "loss", per_example=True)
_CURVATURE = hessian_top(iterations=15, name="curvature")


def pilot(place: Place, settings: Settings, number: int) -> Any:
    """A short chain that looks at loss and curvature before it and at its end."""
    steps = _PILOT_STEPS if settings.step_size is None else 1
    return dataclasses.replace(
        chain(place, settings, "pilot", number),
        steps=steps,
        record_every=steps,
        record_at=None,
        measures=(_TRAIN_LOSS, _CURVATURE),
    )


def calibrated(
    centers: Sequence[Around], nbeta: FloatArray, steepest: FloatArray, settings: Settings, train: Trainer
) -> tuple[FloatArray, FloatArray]:
    """Step size of every snapshot and temperature ``[S, J]``, and the steepest curvature that its pilot met."""
    # A flat point without a pull has no scale of its own, so the step size is chosen for unit curvature.
    tried = LIMIT * settings.safety / np.where(steepest > 0, steepest, nbeta)[..., None] * np.array(_SHARES)
    runs = [
        pilot(Place(centers[s], float(nbeta[s, j]), float(tried[s, j, k])), settings, k)
        for s, j, k in np.ndindex(*tried.shape)
    ]
    pilots = train(runs)
    read = lambda name, k: np.array([p.records[name][k] for p in pilots], np.float64).reshape(tried.shape)  # noqa: E731
    reached = nbeta[..., None] * (read("loss", -1) - read("loss", 0))
    curvature = nbeta[..., None] * np.maximum(read("curvature", -1), 0) + settings.localization
    most = np.array([len(center.start.parameters) / 2 for center in centers])[:, None, None]
    good = (reached <= most) & (tried * curvature < _MARGIN)
    # Where no step size is good, the last and smallest one is used, and the verdict on its chains will say so.
    chosen = np.where(good.any(-1), good.argmax(-1), len(_SHARES) - 1)[..., None]
    met = np.take_along_axis(curvature, chosen, -1)[..., 0]
    return np.take_along_axis(tried, chosen, -1)[..., 0], np.fmax(steepest, met)
