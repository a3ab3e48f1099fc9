"""The memory that a plan states, and the peak on the device, every case in a process of its own."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from benchmarks.gpu import child
from benchmarks.gpu.sections import Parts, Session

__all__ = ["memory", "one"]

_OWN = ("a", "b", "c")
_SHARED = (
    "ten sizes, 100 seeds",
    "60,000 inputs of 784",
    "a pool of 60,000 inputs",
    "two layers of 2000",
    "2000 runs of 1001 records",
    "1000 runs of 3 snapshots",
)
_ABREAST = 5
_PATIENCE = 60.0


def memory(session: Session) -> Parts:
    """One part for all cases: nothing is timed, so some processes go side by side."""
    yield "said and reached", partial(_all, session)


def _all(session: Session) -> dict[str, Any]:
    names = _OWN[:1] if session.tiny else _OWN + _SHARED
    with ThreadPoolExecutor(_ABREAST) as pool:
        return dict(zip(names, pool.map(partial(_process, session), names), strict=True))


def _process(session: Session, name: str) -> dict[str, Any]:
    if session.left() < 10 and not session.tiny:
        return {"ended": "not run: out of time"}
    found = child.call("memory:one", {"name": name, "tiny": session.tiny}, min(_PATIENCE, session.left()))
    if "said" in found and "peak" in found:
        found["peak over said"] = round(found["peak"] / found["said"], 3)
    return found


def one(name: str, tiny: bool) -> Iterator[tuple[str, Any]]:
    """In that process: what is stated, then what was reached."""
    import jax

    import memjax as mj
    from benchmarks.gpu.works import chains, peak_bytes

    if name == "c":
        dataset, estimate = chains(tiny)
        mj.measure(dataset, [estimate])
    else:
        spec, over, packing = _case(name, tiny)
        said = mj.explain(spec, over, packing=packing).memory
        yield "parts", said._asdict()
        # What the compiler and the results take is on the host.
        yield "said", said.total if jax.default_backend() == "cpu" else said.blocks + said.pools
        mj.sweep(spec, over, packing=packing, progress=False)
    peak = peak_bytes()
    yield "peak", peak if peak is not None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _case(name: str, tiny: bool) -> Any:
    """Experiment, axes and packing of a case."""
    from benchmarks.gpu import works
    from benchmarks.memory import CASES

    if name in CASES:
        return CASES[name]()
    work = {"a": works.a, "b": works.b}[name](tiny)
    return work.at(20), work.over(), None
