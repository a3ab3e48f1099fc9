"""Where the host's time of a warm sweep goes, function by function.

Samples of the stacks of all threads: cProfile sees one thread, and training goes on in others. A function's seconds are
those in which it was on some stack, what it calls and waits for included.
"""

from __future__ import annotations

import collections
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import memjax as mj
from benchmarks.gpu.sections import Parts, Session
from benchmarks.gpu.works import SweepWork, a, b

__all__ = ["host", "sampled"]

_INTERVAL = 0.005
_TOP = 40
_PACKAGE = str(Path(mj.__file__).parent)


def host(session: Session) -> Parts:
    """Work b, whose runs are many, and work a."""
    for make in (b,) if session.tiny else (b, a):
        work = make(session.tiny)
        yield work.name, partial(sampled, partial(_sweep, work))


def _sweep(work: SweepWork, turn: int) -> Any:
    return mj.sweep(work.at(work.short), work.over(turn), progress=False)


def sampled(call: Callable[[int], Any]) -> dict[str, Any]:
    """Call once to compile, then once under the sampler: seconds of the call, and of memjax's functions in it."""
    call(0)
    seen: collections.Counter[str] = collections.Counter()
    done = threading.Event()
    sampler = threading.Thread(target=_sample, args=(seen, done), daemon=True)
    begun = time.perf_counter()
    sampler.start()
    try:
        call(1)
    finally:
        done.set()
        sampler.join()
    spent = time.perf_counter() - begun
    count = max(1, seen.pop("", 1))
    functions = {name: round(spent * hits / count, 3) for name, hits in seen.most_common(_TOP)}
    return {"seconds": round(spent, 3), "samples": count, "functions": functions}


def _sample(seen: collections.Counter[str], done: threading.Event) -> None:
    """Count, until told to stop, the functions on the stacks; the empty name counts the samples."""
    own = threading.get_ident()
    while not done.wait(_INTERVAL):
        seen[""] += 1
        names: set[str] = set()
        for thread, frame in sys._current_frames().items():
            if thread != own:
                names |= _functions(frame)
        seen.update(names)


def _functions(frame: FrameType | None) -> set[str]:
    """The functions of memjax on a stack, as file:function."""
    names = set()
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_PACKAGE):
            names.add(f"{code.co_filename[len(_PACKAGE) + 1 :]}:{code.co_qualname}")
        frame = frame.f_back
    return names
