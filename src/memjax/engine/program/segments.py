"""Segments of a run: what one call of the training program trains, as steps between its stops."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from memjax.experiment.record_times import RecordSteps

__all__ = ["Segment", "longest", "segments"]


class Segment(NamedTuple):
    """Stops of one call of the program.

    Attributes
    ----------
    start
        Steps done before it.
    stops
        Increasing steps: those of records, and at the end perhaps that of a snapshot between two records.
    continues
        Whether it starts between two records.
    recorded
        Whether its last stop is a record.
    """

    start: int
    stops: tuple[int, ...]
    continues: bool
    recorded: bool

    @property
    def end(self) -> int:
        """Steps done after it."""
        return self.stops[-1]

    @property
    def records(self) -> int:
        """Number of its records."""
        return len(self.stops) - (not self.recorded)

    @property
    def lengths(self) -> np.ndarray:
        """Steps before each stop, ``int32[len(stops)]``."""
        return np.diff((self.start, *self.stops)).astype(np.int32)


def segments(at: RecordSteps, snapshots: Sequence[int], records: int, start: int) -> Iterator[Segment]:
    """Cut the steps from ``start`` on into segments.

    A segment ends at a snapshot, after ``records`` stops, or at the first record after as many steps as so many records take
    on average: where records are dense the host looks after a number of them, where they are sparse after a number of steps.

    Parameters
    ----------
    at
        Steps of all records.
    snapshots
        Steps of the snapshots, in any order.
    records
        Most records of a segment.
    start
        Step of a record.

    Examples
    --------
    >>> [one.stops for one in segments(range(0, 13, 2), (), 3, 0)]
    [(2, 4, 6), (8, 10, 12)]
    >>> [one.stops for one in segments((0, 1, 2, 4, 8, 16, 32), [5], 3, 0)]
    [(1, 2, 4), (5,), (8, 16, 32)]
    """
    span, between = _span(at, records), sorted(snapshots)
    while start < at[-1]:
        following = bisect_right(at, start)
        far = max(following, min(following + records - 1, bisect_left(at, start + span)))
        end = at[min(far, len(at) - 1)]
        held = bisect_right(between, start)
        end = min(end, between[held]) if held < len(between) else end
        stops = tuple(at[following : bisect_right(at, end)])
        recorded = bool(stops) and stops[-1] == end
        yield Segment(start, stops if recorded else (*stops, end), at[following - 1] != start, recorded)
        start = end


def longest(at: RecordSteps, records: int) -> int:
    """Most steps that a segment of up to ``records`` records can have, wherever it starts: room for its minibatches.

    Examples
    --------
    >>> longest(range(0, 13, 2), 3), longest((0, 1, 2, 4, 8, 16, 32), 3)
    (6, 28)
    """
    records = min(records, len(at) - 1)
    if isinstance(at, range):
        return records * at.step
    steps = np.asarray(at)
    return int(min((steps[records:] - steps[:-records]).max(), _span(at, records) - 1 + np.diff(steps).max()))


def _span(at: RecordSteps, records: int) -> int:
    """Steps that so many records take on average, rounded up."""
    return -(-at[-1] * records // (len(at) - 1))
