"""memjax on one lane: what its lanes are worth."""

from __future__ import annotations

import memjax as mj
from benchmarks.sweep_throughput.peers import Settings, Train, memjax_sweep
from benchmarks.sweep_throughput.works import Work


def prepare(work: Work, settings: Settings) -> Train:
    """Function of a number of steps that trains all runs from the start."""
    return memjax_sweep.prepare(work, settings, mj.Packing(lanes=1))


grain = memjax_sweep.grain
