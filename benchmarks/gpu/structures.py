"""Sweeps over depths and widths, cold and warm: the works of `benchmarks.width_sweep` in this process."""

from __future__ import annotations

from functools import partial
from typing import Any

import memjax as mj
from benchmarks.gpu.sections import Parts, Session
from benchmarks.gpu.works import seconds
from benchmarks.width_sweep import WORKS

__all__ = ["structures"]


def structures(session: Session) -> Parts:
    """Twenty depths, then 24 widths."""
    for name in ("depths", "one layer"):
        yield name, partial(_row, WORKS[name], session.tiny)


def _row(work: dict[str, Any], tiny: bool) -> dict[str, Any]:
    spec = mj.Experiment(
        task=mj.tasks.RandomLabels(input_dim=work["inputs"], num_classes=work["classes"]), measures=("loss", "accuracy"),
        train_size=work["examples"], test_size=work["examples"], steps=50 if tiny else work["steps"], record_every=50,
    )  # fmt: skip
    widths = work["widths"][:2] if tiny else work["widths"]
    over: dict[Any, Any] = {"hidden": [tuple(width) for width in widths], "seed": range(1 if tiny else work["seeds"])}
    cold, _ = seconds(lambda: mj.sweep(spec, over, progress=False))
    warm, dataset = seconds(lambda: mj.sweep(spec, over, progress=False))
    plan = mj.explain(spec, over)
    return {
        "cold s": round(cold, 3),
        "warm s": round(warm, 3),
        "programs": plan.programs,
        "structures": [str(group.widths or "one structure") for group in plan.groups],
        "finished": int((dataset.status == "finished").sum()),
        "of": dataset.status.size,
    }
