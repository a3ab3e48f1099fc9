"""Options of XLA's GPU compiler, each in a process of its own: a and b, cold and warm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.gpu import child
from benchmarks.gpu.sections import Parts, Session

__all__ = ["columns", "timed"]

_NO_TRITON = "--xla_gpu_enable_triton_gemm=false"
OPTIONS = {
    "A: none": "",
    "B: no Triton products, no autotuning": f"{_NO_TRITON} --xla_gpu_autotune_level=0",
    "C: no Triton products, autotuning": f"{_NO_TRITON} --xla_gpu_autotune_level=4",
    "F: loops in command buffers": "--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUBLASLT,CUDNN,CONDITIONAL,WHILE",
}
_PATIENCE = 60.0


def columns(session: Session) -> Parts:
    """A process per set of options. Options that memjax gives to the compiler itself win over these."""
    names = list(OPTIONS)[:1] if session.tiny else list(OPTIONS)
    for name in names:
        yield name, partial(_process, session, OPTIONS[name])


def _process(session: Session, flags: str) -> dict[str, Any]:
    limit = min(_PATIENCE, session.left())
    flags = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    return child.call("columns:timed", {"tiny": session.tiny}, limit, {"XLA_FLAGS": flags})


def timed(tiny: bool) -> Iterator[tuple[str, Any]]:
    """In that process: first and later calls of both works."""
    from benchmarks.gpu.works import a, b, warm_seconds

    for make in (a,) if tiny else (a, b):
        work = make(tiny)
        yield work.name, warm_seconds(work, work.short, 2)
