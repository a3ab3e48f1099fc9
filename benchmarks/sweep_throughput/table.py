"""Tables as text: one per work, and one for how memjax's cost grows with the work."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.sweep_throughput.report import Facts, Report, Row
from benchmarks.sweep_throughput.summary import (
    Line,
    Spread,
    compared,
    failures,
    lines,
    matmul_peak,
    spread,
    steady_seconds,
)
from benchmarks.sweep_throughput.works import SCALING

_HEAD = (
    "peer",
    "cold s",
    "warm s",
    "steady s",
    "ms/step",
    "GFLOP/s",
    "of peak",
    "compile s",
    "programs",
    "peak MB",
    "cold x",
    "steady x",
)
_GROWTH_HEAD = ("work", "runs", "lanes", "busy", "steady s", "ns per example-step", "x", "times busy lanes", "x")
_QUIET = 0.2
_LEGEND = (
    "cold, warm: from the start of a process to the records, compile cache empty and filled. steady: a training call in a\n"
    "process that has made one. GFLOP/s: useful matrix products only, against the best product measured beside it.\n"
    "Compile seconds are added up over threads. ~ was timed on the part of the work that the JSON states, and scaled up.\n"
    "x: times memjax's."
)


class Growth(NamedTuple):
    """Steady cost of one work: its runs, lanes, lanes that had a block to train, and ns per example trained on."""

    work: str
    runs: int
    lanes: int
    busy: int
    steady: Spread
    ns: float


def text(report: Report) -> str:
    """Everything that is printed of a report."""
    machine = report.machine
    where = machine["gpu"] or f"{machine['cpu']}, {machine['cores']} cores"
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    tables = [work_table(report, name) for name in compared(report)]
    parts = [f"{where}; {versions}; {machine['date']}", *tables, growth_table(report)]
    parts += [_LEGEND, shared(report), *(f"failed: {line}" for line in failures(report))]
    return "\n\n".join(part for part in parts if part)


def shared(report: Report) -> str:
    """A warning with the names of what was measured while others used the machine."""
    readings = [(row, reading.others or 0.0) for row in report.rows for reading in (row.cold, row.warm) if reading]
    disturbed = dict.fromkeys(f"{row.work} {row.peer}" for row, others in readings if others > _QUIET)
    if not disturbed:
        return ""
    most = max(others for _, others in readings)
    return f"Others kept up to {most:.1f} cores busy, so take with care: {', '.join(disturbed)}."


def work_table(report: Report, work: str) -> str:
    """Table of one work."""
    facts = report.works[work]
    title = f"{work}: {_describe(facts)}; {_peaks(report, work)}"
    return f"{title}\n{_columns([_HEAD, *(_cells(line) for line in lines(report, work))])}"


def _peaks(report: Report, work: str) -> str:
    copies = [peak.copy_gb for peak in report.peaks if peak.work == work]
    return f"peak {matmul_peak(report, work):.0f} GFLOP/s, copy {statistics.median(copies):.0f} GB/s"


def _describe(facts: Facts) -> str:
    sizes = f"n = {facts.sizes[0]}" if len(facts.sizes) == 1 else f"{len(facts.sizes)} sizes to {max(facts.sizes)}"
    batch = "full batch" if facts.batch_size is None else f"batches of {facts.batch_size}"
    runs = "1 run" if facts.runs == 1 else f"{facts.runs} runs"
    return f"{runs}, {sizes}, {batch}, {facts.steps} steps, {facts.useful_flops / 1e12:.2f} useful TFLOP"


def _cells(line: Line) -> tuple[str, ...]:
    mark = "~" if line.estimated else ""
    compiles = line.programs > 0
    return (
        line.peer,
        mark + _range(line.cold),
        mark + _range(line.warm) if line.warm else "-",
        mark + _range(line.steady),
        f"{mark}{number(line.step_ms)}",
        f"{mark}{line.gflops:.1f}",
        f"{mark}{100.0 * line.peak_share:.0f}%",
        number(line.compile_seconds) if compiles else "-",
        f"{line.programs:.0f}" if compiles else "-",
        f"{line.peak_mb:.0f}",
        _ratio(line.cold_ratio, mark),
        _ratio(line.steady_ratio, mark),
    )


def _ratio(value: float | None, mark: str) -> str:
    return "-" if value is None else f"{mark}{value:.2f}"


def number(value: float) -> str:
    """Three digits, no exponent.

    Examples
    --------
    >>> number(0.01234), number(1.5), number(123.4)
    ('0.0123', '1.50', '123')
    """
    digits = 0 if value >= 100.0 else 1 if value >= 10.0 else 2 if value >= 1.0 else 3 if value >= 0.1 else 4
    return f"{value:.{digits}f}"


def _range(values: Spread) -> str:
    one = values.least == values.most
    return number(values.median) + ("" if one else f" ({number(values.least)}..{number(values.most)})")


def growth_table(report: Report) -> str:
    """Steady cost of memjax by examples trained on; a lane without a block to train cannot be held against the work."""
    rows = [_growth(report, name, peer) for name, peer in _scaling_pairs(report)]
    if not rows:
        return ""
    by_sizes = [row for row in rows if "sizes" in row.work]
    groups = [by_sizes, [row for row in rows if row not in by_sizes]]
    tables = [_columns([_GROWTH_HEAD, *_relative(group)]) for group in groups if group]
    return "memjax, cost against work (x: times the first line's)\n" + "\n".join(tables)


def _scaling_pairs(report: Report) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row.work, row.peer) for row in report.rows if row.work.startswith(SCALING) and row.cold))


def _growth(report: Report, work: str, peer: str) -> Growth:
    rows = [row for row in report.rows if (row.work, row.peer) == (work, peer) and row.cold]
    lanes, busy = _lanes(rows[0])
    steady = spread(steady_seconds(row) for row in rows)
    facts = report.works[work]
    per_example = 1e9 * steady.median / facts.example_steps
    return Growth(work.removeprefix(SCALING), facts.runs, lanes, busy, steady, per_example)


def _lanes(row: Row) -> tuple[int, int]:
    assert row.cold is not None
    lanes = int(row.cold.facts["lanes"])
    return lanes, min(lanes, int(row.cold.facts["blocks"]))


def _relative(group: Sequence[Growth]) -> list[tuple[str, ...]]:
    plain, per_lane = group[0].ns, group[0].ns * group[0].busy
    costs = [(*_pair(one.ns, plain), *_pair(one.ns * one.busy, per_lane)) for one in group]
    facts = [(one.work, str(one.runs), str(one.lanes), str(one.busy), _range(one.steady)) for one in group]
    return [(*fact, *cost) for fact, cost in zip(facts, costs, strict=True)]


def _pair(nanoseconds: float, first: float) -> tuple[str, str]:
    return f"{nanoseconds:.1f}", f"{nanoseconds / first:.2f}"


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    aligned = [
        [cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    ]
    return "\n".join("  " + "  ".join(row).rstrip() for row in aligned)
