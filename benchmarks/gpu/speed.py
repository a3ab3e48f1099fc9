"""memjax on works a, b and c: first and later calls, the time of a step, peaks, plans; and a and b in two precisions."""

from __future__ import annotations

import statistics
from typing import Any

import jax

import memjax as mj
from benchmarks.gpu.hardware import plan_facts
from benchmarks.gpu.sections import Parts, Session
from benchmarks.gpu.works import SweepWork, a, b, chains, peak_bytes, seconds, sweeps, timed

__all__ = ["precisions", "speed"]

_CALLS = 3


def speed(session: Session) -> Parts:
    """Every work with memjax's own settings."""
    for work in sweeps(session.tiny):
        yield work.name, lambda work=work: _sweep_row(work, 1 if session.tiny else _CALLS)  # type: ignore[misc]
    yield "c", lambda: _chains_row(session)


def _sweep_row(work: SweepWork, calls: int) -> dict[str, Any]:
    plan = plan_facts(mj.explain(work.at(work.short), work.over()))
    return {**timed(work, calls), "peak bytes": peak_bytes(), "plan": plan}


def _chains_row(session: Session) -> dict[str, Any]:
    dataset, estimate = chains(session.tiny)
    cold, found = seconds(lambda: mj.measure(dataset, [estimate]))
    warm = [seconds(lambda: mj.measure(dataset, [estimate]))[0] for _ in range(1 if session.tiny else _CALLS)]
    return {
        "cold s": round(cold, 3),
        "warm s": round(statistics.median(warm), 4),
        "warm calls s": [round(spent, 4) for spent in warm],
        "estimates": found.llc.size,
        "mean": float(found.llc.mean()),
        "peak bytes": peak_bytes(),
    }


def precisions(session: Session) -> Parts:
    """Works a and b where products are stated to be in float32, and where JAX chooses."""
    for precision in ("highest", "default"):
        for make in (a,) if session.tiny else (a, b):
            work = make(session.tiny)
            yield f"{work.name}, {precision}", lambda work=work, p=precision: _precise(work, p)  # type: ignore[misc]


def _precise(work: SweepWork, precision: str) -> dict[str, Any]:
    with jax.default_matmul_precision(precision):
        return timed(work, 2)
