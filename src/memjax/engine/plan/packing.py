"""What a user may say about packing, and how many lanes this machine has."""

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
    """How runs are packed; every None is chosen for the backend and the work.

    Attributes
    ----------
    schedule
        ``streamed`` (tile after tile, for CPUs) or ``batched`` (all tiles at once, for GPUs and TPUs).
    lanes
        Blocks at work at the same time; on a CPU one per core, else one per device.
    width
        Examples in a tile.
    runs
        Runs in a block.
    memory
        Bytes that the sweep may take beside what the process holds already: by default half of what is free, and on an
        accelerator half of the device. Blocks and lanes are chosen to stay below; what cannot is refused.
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
