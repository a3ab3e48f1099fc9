"""From raw readings to what the table and the plot show: medians and ranges over repeats, ratios to memjax."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from benchmarks.sweep_throughput.budget import scaled
from benchmarks.sweep_throughput.report import Reading, Report, Row
from benchmarks.sweep_throughput.works import SCALING

BASE = "memjax"


@dataclass(frozen=True)
class Spread:
    """Median and range over repeats."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Line:
    """One peer on one work; times are of the whole work, and ``estimated`` where only a part of it was run.

    Attributes
    ----------
    cold, warm
        Seconds from the start of a process to its records, with an empty and a filled compile cache.
    steady
        Seconds of a training call in a process that has made one before.
    cold_ratio, steady_ratio
        Times over those of memjax, of the medians; None where memjax was not measured.
    """

    work: str
    peer: str
    estimated: bool
    cold: Spread
    warm: Spread | None
    steady: Spread
    step_ms: float
    gflops: float
    peak_share: float
    compile_seconds: float
    programs: float
    warm_misses: float | None
    peak_mb: float
    cold_ratio: float | None = None
    steady_ratio: float | None = None


def spread(values: Iterable[float]) -> Spread:
    """Median, least and most of some values."""
    ordered = sorted(values)
    return Spread(statistics.median(ordered), ordered[0], ordered[-1])


def part_steady(row: Row) -> float:
    """Seconds of a steady call on the part; where a second call was not worth its wait, a call with a filled cache."""
    assert row.cold is not None
    if row.cold.second is not None:
        return row.cold.second
    return row.warm.first if row.warm is not None else row.cold.first


def steady_seconds(row: Row) -> float:
    """Seconds of a steady call on the whole work."""
    return part_steady(row) / row.share


def start_to_end(row: Row, reading: Reading) -> float:
    """Seconds from the start of a process to the records of the whole work."""
    return scaled(reading.imports, reading.first, part_steady(row), row.share)


def matmul_peak(report: Report, work: str) -> float:
    """GFLOP/s of the best tool and size: the median over the readings taken for a work."""
    return statistics.median(max(peak.gflops.values()) for peak in report.peaks if peak.work == work)


def line(report: Report, work: str, peer: str) -> Line | None:
    """What is said of a peer on a work; None if it never finished."""
    rows = [row for row in report.rows if (row.work, row.peer) == (work, peer) and row.cold is not None]
    if not rows:
        return None
    facts, steady = report.works[work], spread(steady_seconds(row) for row in rows)
    warms = [(row, row.warm) for row in rows if row.warm is not None]
    gflops = facts.useful_flops / steady.median / 1e9
    return Line(
        work,
        peer,
        any(row.share < 1.0 for row in rows),
        spread(start_to_end(row, row.cold) for row in rows if row.cold),
        spread(start_to_end(row, warm) for row, warm in warms) if warms else None,
        steady,
        1000.0 * steady.median / facts.steps,
        gflops,
        gflops / matmul_peak(report, work),
        *(_of_cold(rows, get) for get in (lambda cold: cold.compile_seconds, lambda cold: cold.programs)),
        statistics.median(warm.cache_misses for _, warm in warms) if warms else None,
        _of_cold(rows, lambda cold: cold.peak_mb),
    )


def _of_cold(rows: list[Row], get: Callable[[Reading], float]) -> float:
    return statistics.median(get(row.cold) for row in rows if row.cold is not None)


def lines(report: Report, work: str) -> list[Line]:
    """All peers on a work, memjax first, the others from fast to slow, with ratios."""
    names = dict.fromkeys(row.peer for row in report.rows if row.work == work)
    found = [one for one in (line(report, work, name) for name in names) if one is not None]
    base = next((one for one in found if one.peer == BASE), None)
    found = [_with_ratios(one, base) for one in found] if base else found
    return sorted(found, key=lambda one: (one.peer != BASE, one.steady.median))


def _with_ratios(one: Line, base: Line) -> Line:
    return replace(
        one, cold_ratio=one.cold.median / base.cold.median, steady_ratio=one.steady.median / base.steady.median
    )


def compared(report: Report) -> list[str]:
    """Names of the works that peers are compared on."""
    return [name for name in report.works if not name.startswith(SCALING)]


def failures(report: Report) -> list[str]:
    """One line for every process that failed."""
    return [f"{row.work} {row.peer} {row.repeat}: {row.error}" for row in report.rows if row.error is not None]
