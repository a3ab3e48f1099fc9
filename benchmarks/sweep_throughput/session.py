"""A session: for every work and repeat, first the machine's peaks, then every peer in turn, in fresh processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.sweep_throughput import budget, peaks, spawn
from benchmarks.sweep_throughput.peers import ONE_LANE, WITH_VARIANTS, Settings
from benchmarks.sweep_throughput.report import Report, Row, facts_of
from benchmarks.sweep_throughput.works import SCALING, Work, fewer

OURS = ("memjax", ONE_LANE)


@dataclass(frozen=True)
class Plan:
    """What a session measures: peers by work, how often, and the seconds a slow peer may train per process."""

    works: tuple[tuple[Work, tuple[str, ...]], ...]
    repeats: int
    limit: float
    settings: Settings


def run(plan: Plan, report: Report, save: Callable[[Report], None], say: Callable[[str], None] = print) -> None:
    """Carry out a plan, adding to a report that is saved after every repeat of a work."""
    for work, names in plan.works:
        report.works[work.name] = facts_of(work)
        parts = {name: _part(name, work, plan, say) for name in names}
        for repeat in range(plan.repeats):
            report.peaks.append(peaks.measure(work.name, repeat, plan.settings))
            for name in _rotated(names, repeat):
                row = measure(name, work, parts[name], repeat, plan)
                report.rows.append(row)
                say(_line(row))
            save(report)


def measure(name: str, work: Work, part: Work, repeat: int, plan: Plan) -> Row:
    """One peer on a part of one work: an empty cache folder first, then, if the peer compiles, the folder it filled."""
    row = Row(work.name, name, repeat, len(part.sizes), part.steps, budget.share(work, part), None)
    compiles = WITH_VARIANTS[name].compiles
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings = replace(plan.settings, cache=folder if compiles else None)
            cold, _ = spawn.worker(name, part, settings, calls=2, patience=plan.limit)
            again = compiles and not work.name.startswith(SCALING)
            warm = spawn.worker(name, part, settings, calls=1)[0] if again else None
        return replace(row, cold=cold, warm=warm)
    except spawn.Failed as problem:
        return replace(row, error=str(problem))


def _rotated(names: tuple[str, ...], by: int) -> tuple[str, ...]:
    """Names in turn: whoever goes first meets the coolest machine."""
    by %= max(1, len(names))
    return names[by:] + names[:by]


def _part(name: str, work: Work, plan: Plan, say: Callable[[str], None]) -> Work:
    """The part of a work that a peer is timed on: all of it for memjax, else by a short probe."""
    if name in OURS:
        return work
    try:
        reading, more = spawn.worker(name, work, plan.settings, calls=2, probe=True)
    except spawn.Failed as problem:
        say(f"{work.name} {name}: the probe failed: {problem}")
        return fewer(work, 1, work.record_every)
    probe = budget.probe_work(work, more["grain"])
    return budget.choose_part(work, probe, reading.second or reading.first, more["grain"], plan.limit)


def _line(row: Row) -> str:
    if row.cold is None:
        return f"{row.work} {row.peer} {row.repeat}: failed: {row.error}"
    part = "" if row.share == 1.0 else f" of {row.part_runs} runs for {row.part_steps} steps"
    return f"{row.work} {row.peer} {row.repeat}: {row.cold.imports:.1f} s + {row.cold.first:.2f} s{part}"
