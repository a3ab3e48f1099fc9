"""The three ratios that the README gives, from the committed results: ``python -m benchmarks.readme_ratios``."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.sweep_throughput.report import load
from benchmarks.sweep_throughput.summary import line

RESULTS = Path(__file__).resolve().parent / "results"


def table() -> str:
    """The table as Markdown: a peer's time over memjax's on the same work."""
    processes, padded = (_sweep_ratio(peer) for peer in ("torch-processes", "jax-vmap-padded"))
    rows = [
        ("work", "peer", "time of the peer / time of memjax"),
        ("---", "---", "---"),
        ("40 networks on 50 to 25,600 examples", "a PyTorch loop, a process per core", f"{processes:.1f}"),
        ("the same", "JAX's `vmap`, padded to the largest", f"{padded:.1f}"),
        ("learning coefficients of 50 snapshots, 8 chains each", "devinterp 2.0.1", f"{_llc_ratio('devinterp'):.0f}"),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _sweep_ratio(peer: str) -> float:
    """Ratio of the medians in steady state, ten train sizes with four seeds."""
    report = load(RESULTS / "sweep_throughput.json")
    ours, theirs = (line(report, "a4", name) for name in ("memjax", peer))
    assert ours is not None and theirs is not None
    return theirs.steady.median / ours.steady.median


def _llc_ratio(way: str) -> float:
    """Ratio of the times with minibatches, compiling not counted; a peer that did fewer snapshots is scaled up in the file."""
    rows = json.loads((RESULTS / "llc.json").read_text(encoding="utf-8"))["minibatches of 128"]
    seconds = {row["way"]: row["seconds"] for row in rows}
    return float(seconds[way] / seconds["memjax"])


if __name__ == "__main__":
    print(table())
