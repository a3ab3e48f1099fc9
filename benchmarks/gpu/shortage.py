"""Out of memory: a block that cannot fit is halved with a warning; and two blocks at a time on one device."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

import jax
import xarray as xr

import memjax as mj
from benchmarks.gpu.numbers import relative
from benchmarks.gpu.sections import Parts, Session
from benchmarks.gpu.works import BASE

__all__ = ["shortage"]

_ROUNDING = 1e-5
# Bytes that a step holds for one example of a layer of 4096 units, at least: one activation and its gradient.
_WIDTH = 4096
_EXAMPLES = 65_536


class _Warnings(logging.Handler):
    """Keeps the warnings of memjax."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def shortage(session: Session) -> Parts:
    """The cheap part first."""
    yield "Packing(lanes=2)", partial(_two_lanes, session)
    if jax.default_backend() == "cpu":
        yield "a block too large", partial(str, "left out: a CPU's memory cannot be filled safely")
    else:
        yield "a block too large", _too_large


def _two_lanes(session: Session) -> dict[str, Any]:
    spec = mj.Experiment(**{**vars(BASE), "steps": 20, "train_size": 100})
    over = {"seed": range(4 if session.tiny else 64)}
    runs = 2 if session.tiny else 16
    found, _ = _with_warnings(spec, over, mj.Packing(lanes=2, runs=runs))
    usual, _ = _with_warnings(spec, over, None)
    return _same(found, usual) | {"packing": _packed(found)}


def _too_large() -> dict[str, Any]:
    """Runs of which all together need more than any card has, and some together fit."""
    spec = mj.Experiment(
        task=BASE.task, model=mj.models.MLP(hidden=(_WIDTH,)), steps=4, record_every=2, train_size=_EXAMPLES,
        test_size=64, measures=("loss",),
    )  # fmt: skip
    runs = 64
    over = {"seed": range(runs)}
    found, lines = _with_warnings(spec, over, mj.Packing(runs=runs, memory=10**12))
    usual, _ = _with_warnings(spec, over, mj.Packing(runs=2))
    row = _same(found, usual)
    warned = [line for line in lines if "out of memory" in line]
    return row | {"warned": warned, "packing": _packed(found), "pass": row["pass"] and bool(warned)}


def _with_warnings(
    spec: mj.Experiment, over: dict[Any, Any], packing: mj.Packing | None
) -> tuple[xr.Dataset, list[str]]:
    handler = _Warnings()
    logger = logging.getLogger("memjax")
    logger.addHandler(handler)
    try:
        return mj.sweep(spec, over, packing=packing, progress=False), handler.lines
    finally:
        logger.removeHandler(handler)


def _same(found: xr.Dataset, usual: xr.Dataset) -> dict[str, Any]:
    differ = relative(found.train_loss.values, usual.train_loss.values)
    finished = int((found.status == "finished").sum())
    return {"differs": differ, "finished": finished, "pass": differ <= _ROUNDING and finished == found.status.size}


def _packed(dataset: xr.Dataset) -> dict[str, Any]:
    packed = json.loads(dataset.attrs["packing"])
    return {name: packed.get(name) for name in ("lanes", "blocks", "shapes")}
