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

    @property
    def sentence(self) -> str:
        """What the status means."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.RUNNING: "The run has steps left to do.",
    Status.FINISHED: "The run did all its steps.",
    Status.DIVERGED: (
        "The loss or a parameter stopped being finite: the run was frozen after stop_step and its later records are NaN."
    ),
}
