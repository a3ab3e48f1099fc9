"""How much of the work is done, and how long the rest takes at the speed so far."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Pace", "time_text"]


class Pace:
    """Work done of all work, and the time that the rest takes.

    Parameters
    ----------
    total
        All work, in any unit, such as the estimated seconds of every block.
    clock
        Gives the time in seconds.

    Examples
    --------
    >>> now = iter([0.0, 10.0])
    >>> pace = Pace(100.0, clock=lambda: next(now))
    >>> pace.start()
    >>> pace.had(50.0)
    >>> pace.did(10.0)
    >>> pace.share, pace.left()
    (0.6, 40.0)
    """

    def __init__(self, total: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._clock = total, clock
        self._before = self._here = 0.0
        self._began: float | None = None

    def start(self) -> None:
        """Begin to measure the speed; what comes before, such as the first compile, says nothing about the rest."""
        self._began = self._clock()

    def had(self, work: float) -> None:
        """Count work that was done before: it is done, and says nothing about the speed."""
        self._before += work

    def did(self, work: float) -> None:
        """Count work that was done now; negative work takes back what has to be done again."""
        self._here += work

    @property
    def share(self) -> float:
        """Share of the work that is done, from 0 to 1."""
        done = self._before + self._here
        return min(max(done / self._total, 0.0), 1.0) if self._total > 0.0 else 0.0

    def left(self) -> float | None:
        """Seconds left at the speed so far, never below 0; None while no work is done."""
        if self._began is None or self._here <= 0.0:
            return None
        rest = self._total - self._before - self._here
        return max(rest, 0.0) * (self._clock() - self._began) / self._here


def time_text(seconds: float) -> str:
    """A time in words, in two units at most.

    Examples
    --------
    >>> [time_text(seconds) for seconds in (0.2, 59.6, 150.0, 7200.0, 7500.0, 200_000.0)]
    ['1 s', '1 min', '2 min', '2 h', '2 h 5 min', '2 d 8 h']
    """
    if seconds < 59.5:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60.0)
    if minutes < 60:
        return f"{minutes} min"
    large, small, names = (minutes // 60, minutes % 60, ("h", "min"))
    if large >= 48:
        large, small, names = (*divmod(round(minutes / 60.0), 24), ("d", "h"))
    return f"{large} {names[0]}" + (f" {small} {names[1]}" if small else "")
