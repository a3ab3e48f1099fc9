"""What a step costs, roughly: enough to choose tile widths and to deal runs to lanes.

Measured on two x86 cores with a 9-100-100-17 MLP: a tile of 256 runs at 60 GFLOP/s a core, each tile adds about 10 us
of overhead, each step of a block about 60 us, Adam about 1 ns a parameter, and a set of programs compiles in 1.5 s.
Ratios between these decide, not their values; a faster machine chooses the same plan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["candidate_widths", "run_seconds"]

COMPILE_SECONDS = 1.5
_FLOPS_PER_SECOND = 6e10
_TILE_SECONDS = 1e-5
_STEP_SECONDS = 6e-5
_PARAMETER_SECONDS = 1e-9
_WIDEST = 512


def candidate_widths(sizes: Sequence[int]) -> list[int]:
    """Tile widths worth trying for some train sizes: each size cut into equal tiles of at most 512, and powers of two.

    Examples
    --------
    >>> candidate_widths([50, 1000])
    [50, 64, 128, 256, 500, 512]
    """
    fitted = {math.ceil(size / math.ceil(size / _WIDEST)) for size in sizes}
    powers = {2**k for k in range(6, 10) if 2**k < 2 * max(sizes)}
    return sorted(fitted | powers)


def run_seconds(sizes: np.ndarray, width: int, block: int, parameters: int, steps: int) -> np.ndarray:
    """Seconds that runs of ``sizes`` examples a step take on one lane each, in tiles of ``width``, ``block`` at a time."""
    tile = width * 6 * parameters / _FLOPS_PER_SECOND + _TILE_SECONDS
    return steps * (np.ceil(sizes / width) * tile + parameters * _PARAMETER_SECONDS + _STEP_SECONDS / block)
