"""What a session leaves: raw readings of every process, as plain data that goes to JSON and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.sweep_throughput.flops import example_steps, useful_flops
from benchmarks.sweep_throughput.works import Work


@dataclass(frozen=True)
class Reading:
    """One process: seconds from its start until its tool is imported, of its first training call, and of its second if any.

    Attributes
    ----------
    compile_seconds, programs, cache_misses
        Programs compiled or loaded from the cache folder and their seconds, added up over threads; those not in it.
    peak_mb
        Most memory: resident on the CPU, children included; allocated on a GPU.
    facts
        What the peer had to say.
    others
        Cores that other processes kept busy meanwhile; None where the system does not say.
    """

    imports: float
    first: float
    second: float | None
    compile_seconds: float
    programs: int
    cache_misses: int
    peak_mb: float
    facts: dict[str, Any] = field(default_factory=dict)
    others: float | None = None


@dataclass(frozen=True)
class Row:
    """One peer on one work, once.

    Attributes
    ----------
    part_runs, part_steps, share
        What was really run, and its useful arithmetic over that of the whole work.
    cold, warm
        Readings with an empty and a filled folder of compiled programs; no warm one for a peer that compiles nothing.
    error
        Last words of a process that failed.
    """

    work: str
    peer: str
    repeat: int
    part_runs: int
    part_steps: int
    share: float
    cold: Reading | None
    warm: Reading | None = None
    error: str | None = None


@dataclass(frozen=True)
class Facts:
    """What the table needs to know of a work."""

    runs: int
    sizes: tuple[int, ...]
    steps: int
    batch_size: int | None
    useful_flops: int
    example_steps: int


@dataclass(frozen=True)
class Peak:
    """The machine right before a repeat of a work: GFLOP/s of products by tool and size, GB/s of a copy."""

    work: str
    repeat: int
    gflops: dict[str, float]
    copy_gb: float


@dataclass(frozen=True)
class Report:
    """Everything of a session, in the order it was measured."""

    machine: dict[str, Any]
    options: dict[str, Any]
    works: dict[str, Facts] = field(default_factory=dict)
    peaks: list[Peak] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def facts_of(work: Work) -> Facts:
    """Facts of a work."""
    sizes = tuple(dict.fromkeys(work.sizes))
    return Facts(len(work.sizes), sizes, work.steps, work.batch_size, useful_flops(work), example_steps(work))


def save(report: Report, path: Path) -> None:
    """Write a report as JSON, whole or not at all: a session is saved as it goes and may be stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(asdict(report), indent=1) + "\n")
    draft.replace(path)


def load(path: Path) -> Report:
    """Read a report."""
    raw = json.loads(path.read_text())
    works = {name: Facts(**{**facts, "sizes": tuple(facts["sizes"])}) for name, facts in raw["works"].items()}
    peaks = [Peak(**peak) for peak in raw["peaks"]]
    return Report(raw["machine"], raw["options"], works, peaks, [_row(row) for row in raw["rows"]])


def _row(raw: dict[str, Any]) -> Row:
    readings = {name: Reading(**raw[name]) if raw[name] else None for name in ("cold", "warm")}
    return Row(**{**raw, **readings})
