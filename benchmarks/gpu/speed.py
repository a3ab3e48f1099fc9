"""memjax on works a, b and c: first and later calls, the time of a step, peaks, plans; and a and b in two precisions."""

from __future__ import annotations

import statistics
from dataclasses import replace
from functools import partial
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
        yield work.name, partial(_sweep_row, work, 1 if session.tiny else _CALLS)
    yield "c", partial(_chains_row, session)


def _sweep_row(work: SweepWork, calls: int) -> dict[str, Any]:
    return {**timed(work, calls), "peak bytes": peak_bytes(), "plan": plan_facts(work)}


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
    """Works a and b where JAX chooses the precision of products, and where products are stated to be in float32."""
    for precision in ("default", "highest"):
        for make in (a,) if session.tiny else (a, b):
            work = make(session.tiny)
            yield f"{work.name}, {precision}", partial(_precise, work, precision)


def _precise(work: SweepWork, precision: str) -> dict[str, Any]:
    # The time of a step in float32 is known already: it is that of memjax's own settings.
    kept = work if precision == "default" else replace(work, long=None)
    with jax.default_matmul_precision(precision):
        return timed(kept, 2)
