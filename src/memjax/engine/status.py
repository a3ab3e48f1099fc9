"""Status of a run: failures are data."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Status"]

_DIVERGED = {
    2: "the loss was NaN",
    3: "the loss was infinite",
    4: "a parameter was not finite",
}


class Status(IntEnum):
    """What became of a run; codes from `LOSS_NAN` up are runs that diverged, by what stopped being finite first."""

    RUNNING = 0
    FINISHED = 1
    LOSS_NAN = 2
    LOSS_INFINITE = 3
    PARAMETERS = 4

    @property
    def label(self) -> str:
        """Value of the ``status`` coordinate."""
        return self.name.lower() if self < Status.LOSS_NAN else "diverged"

    @property
    def reason(self) -> str:
        """Value of the ``stop_reason`` coordinate: why the run diverged, or nothing."""
        return _DIVERGED.get(self, "")
