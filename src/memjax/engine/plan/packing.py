"""The user's settings for packing, and the number of lanes of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass

import jax

from memjax.checks.values import keep_wholes
from memjax.engine.program.step import Schedule
from memjax.errors import InputError

__all__ = ["Packing", "default_lanes"]


@dataclass(frozen=True)
class Packing:
    """How runs are packed; memjax chooses every setting that is None from the backend and the work.

    Attributes
    ----------
    schedule
        ``streamed`` (tile after tile, for CPUs) or ``batched`` (all tiles at once, for GPUs and TPUs).
    lanes
        Number of blocks that train at the same time: by default one per core on a CPU, else one per device.
    width
        Examples in a tile.
    runs
        Runs in a block.
    memory
        Bytes that the sweep may add to those of the process: by default half of the free memory, or half of an
        accelerator's memory. Blocks and lanes are chosen to stay below this limit; a sweep that cannot is refused.
    """

    schedule: Schedule | None = None
    lanes: int | None = None
    width: int | None = None
    runs: int | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.schedule not in (None, "streamed", "batched"):
            raise InputError(f"Packing.schedule is {self.schedule!r}: use streamed, batched or None.")
        keep_wholes(self, dict.fromkeys(("lanes", "width", "runs", "memory"), 1), optional=True)


def default_lanes() -> int:
    """One lane per core of a CPU that this process may use, else one per device."""
    if jax.default_backend() != "cpu":
        return jax.local_device_count()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(cores, jax.local_device_count())
