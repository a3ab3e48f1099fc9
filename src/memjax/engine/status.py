"""Status of a run: failures are data."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Status"]


class Status(IntEnum):
    """What became of a run; the lower-case name is the value of the ``status`` coordinate."""

    RUNNING = 0
    FINISHED = 1
    DIVERGED = 2

    @property
    def label(self) -> str:
        """Value in the Dataset."""
        return self.name.lower()
