"""How much of a work a slow peer is made to do, and how its seconds are scaled up to the whole."""

from __future__ import annotations

from benchmarks.sweep_throughput.flops import useful_flops
from benchmarks.sweep_throughput.works import Work, fewer

# A session calls each peer's training twice, and the limit is on both.
_CALLS = 2


def probe_work(work: Work, grain: int) -> Work:
    """The short part that is timed to choose the part."""
    return fewer(work, grain, work.record_every)


def share(work: Work, part: Work) -> float:
    """Useful arithmetic of a part over that of the whole: fewer steps save fewer records than a plain ratio of steps."""
    return useful_flops(part) / useful_flops(work)


def choose_part(work: Work, probe: Work, probe_seconds: float, grain: int, limit: float) -> Work:
    """Largest part that keeps to the limit, at least one span between records of the fewest telling runs.

    Parameters
    ----------
    probe, probe_seconds
        Part that was timed, and the seconds of one training call on it.
    grain
        Fewest runs of each size that show the peer's speed; the part has a multiple of it.
    limit
        Seconds that the calls may take together.
    """
    fraction = limit / _CALLS * share(work, probe) / probe_seconds
    if fraction >= 1.0:
        return work
    have = work.fewest()
    least = min(grain, have)
    runs = max(least, int(have * fraction) // least * least)
    spans = int(work.steps * min(1.0, fraction * have / runs)) // work.record_every
    return fewer(work, runs, max(1, spans) * work.record_every)


def scaled(fixed: float, first: float, steady: float, part_share: float) -> float:
    """Seconds of start and first call, had the whole work been done: what is left of it goes at the steady rate."""
    return fixed + first + steady * (1.0 / part_share - 1.0)
