"""Segments: how many records the host asks for at once. Between two of them progress is shown, kept, and may stop."""

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
    """Records per segment: about a tenth of all, equal segments, with every snapshot at the end of one.

    A short run has fewer segments, for each costs the host about a millisecond; a long one has more, for what is kept
    and where it can stop lies between them. Only the packed shape may decide how many: blocks of one shape share their
    programs.
    """
    grain = math.gcd(program.num_records, *(step // program.record_every for step in snapshots))
    seconds = _shape_seconds(program, shape)
    segments = min(max(_SEGMENTS, int(seconds / _LONGEST)), max(1, int(seconds / _SHORTEST)))
    wanted = max(1, program.num_records // segments)
    return next(size for size in range(min(grain, wanted), 0, -1) if grain % size == 0)


def _shape_seconds(program: Program, shape: Shape) -> float:
    """Rough time of a block that fills its shape."""
    runs, width, train, test = shape
    sizes = np.array([[width * train / runs, width * test / runs]])
    return runs * float(run_seconds(sizes, width, runs, work_of(program), program)[0])
