"""Sharpness and data dimensionality of trained networks, whose parameters come from the references."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.gpu import references
from benchmarks.gpu.check_cases import CASES
from benchmarks.gpu.numbers import over_cases, relative
from benchmarks.gpu.sections import Parts, Session

__all__ = ["curvature"]

_SHARPNESS, _SCORES = 3e-5, 1e-4


def curvature(session: Session) -> Parts:
    """One part for all networks."""
    yield "trained networks", partial(over_cases, session, references.MEASURED, _compared)


def _compared(name: str) -> dict[str, Any]:
    held = references.load(name)
    found = references.curvature(CASES[name](), held["trained"])
    reference = {key: held[f"float32|{key}"] for key in found}
    sharpness = relative(found["sharpness"], held["float64|sharpness"])
    scores = float(np.abs(found["dimensionality"] - held["float64|dimensionality"]).max())
    equal = bool((found["rank"] == reference["rank"]).all())
    return {
        "sharpness differs": sharpness,
        "CPU's sharpness differs": relative(reference["sharpness"], held["float64|sharpness"]),
        "scores differ": scores,
        "rank": found["rank"].tolist(),
        "rank equal": equal,
        "pass": sharpness <= _SHARPNESS and scores <= _SCORES and equal,
    }
