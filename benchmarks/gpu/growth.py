"""How seconds grow: with the number of runs, with the size of one run, and with a costly record."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.gpu.sections import Parts, Session
from benchmarks.gpu.works import BASE, SweepWork, b, warm_seconds

__all__ = ["growth"]

_RUNS = (256, 1024, 4096, 16384)
# So many runs take long enough to be timed once.
_MANY = 10_000
_SHARPNESS = "loss", "sharpness"


def growth(session: Session) -> Parts:
    """One part per point."""
    for runs in _RUNS[:1] if session.tiny else _RUNS:
        yield f"{runs} runs of 200", partial(_row, b(session.tiny, runs=runs))
    steps = 20 if session.tiny else 200
    size = 400 if session.tiny else 25600
    lone = SweepWork("", BASE, (size,), 1, steps, None)
    yield f"one run of {size}", partial(_row, lone)
    for measures in (_SHARPNESS,) if session.tiny else (("loss",), _SHARPNESS):
        work = SweepWork("", replace(BASE, measures=measures), (200, size), 10, steps, None)
        yield f"20 runs of 200 and {size}, records of {' and '.join(measures)}", partial(_row, work)


def _row(work: SweepWork) -> dict[str, Any]:
    count = len(work.sizes) * work.seeds
    row = warm_seconds(work, work.short, 2 if count < _MANY else 1)
    return {**row, "us a step and run": round(1e6 * row["warm s"] / (work.short * count), 3)}
