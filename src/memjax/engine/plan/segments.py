"""Segments: the number of records per call of the program. Between calls the host shows progress, saves, and may stop."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from memjax.engine.plan.cost import run_seconds, work_of
from memjax.engine.program.program import Program
from memjax.engine.program.tiles import Shape

__all__ = ["segment_records"]

_SEGMENTS = 10
_SHORTEST = 0.2
_LONGEST = 20.0


def segment_records(program: Program, shape: Shape, snapshots: Iterable[int]) -> int:
    """Most records per segment: about a tenth of all records. Every snapshot ends a segment.

    Where records are even and hold all snapshots, all segments have so many records. Else some are shorter.
    A short run has fewer segments, because each costs the host about a millisecond. A long run has more, because it can
    save and stop only between segments. The number depends on the packed shape alone: blocks of one shape share programs.
    """
    seconds = _shape_seconds(program, shape)
    segments = min(max(_SEGMENTS, int(seconds / _LONGEST)), max(1, int(seconds / _SHORTEST)))
    wanted, at, kept = max(1, program.num_records // segments), program.record_at, list(snapshots)
    if not isinstance(at, range) or any(step not in at for step in kept):
        return wanted
    grain = math.gcd(program.num_records, *(step // at.step for step in kept))
    return next(size for size in range(min(grain, wanted), 0, -1) if grain % size == 0)


def _shape_seconds(program: Program, shape: Shape) -> float:
    """Estimated seconds of a block without padding."""
    runs, width, train, test = shape[:4]
    sizes = np.array([[width * train / runs, width * test / runs]])
    return runs * float(run_seconds(sizes, width, runs, work_of(program), program)[0])
