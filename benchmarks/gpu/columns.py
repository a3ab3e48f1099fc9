"""Options of XLA's GPU compiler, each in a process of its own: a and b, cold and warm."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.gpu import child
from benchmarks.gpu.sections import Parts, Session

__all__ = ["columns", "timed"]

_OWN = {"xla_gpu_enable_triton_gemm": False, "xla_gpu_autotune_level": 0}
OPTIONS: dict[str, dict[str, Any]] = {
    "memjax's own: no Triton products, no autotuning": _OWN,
    "XLA's own": {},
    "no Triton products, autotuning": {**_OWN, "xla_gpu_autotune_level": 4},
    "memjax's own, deterministic operations": {**_OWN, "xla_gpu_deterministic_ops": True},
    "memjax's own, loops in command buffers": {
        **_OWN,
        "xla_gpu_enable_command_buffer": "FUSION,CUBLAS,CUBLASLT,CUDNN,CONDITIONAL,WHILE",
    },
}
_PATIENCE = 60.0


def columns(session: Session) -> Parts:
    """A process per set of options, which take the place of those that memjax gives to the compiler."""
    names = list(OPTIONS)[:1] if session.tiny else list(OPTIONS)
    for name in names:
        yield name, partial(_process, session, OPTIONS[name])


def _process(session: Session, options: dict[str, Any]) -> dict[str, Any]:
    limit = min(_PATIENCE, session.left())
    return child.call("columns:timed", {"tiny": session.tiny, "options": options}, limit)


def timed(tiny: bool, options: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """In that process: first and later calls of both works."""
    from benchmarks.gpu.works import a, b, warm_seconds
    from memjax.engine.program import compiled

    compiled._OPTIONS["gpu"] = options
    for make in (a,) if tiny else (a, b):
        work = make(tiny)
        yield work.name, warm_seconds(work, work.short, 2)
