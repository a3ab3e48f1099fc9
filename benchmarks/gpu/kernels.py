"""The kernels of 20 steps of each work, from JAX's profiler: time, number, and how long the device stood still."""

from __future__ import annotations

import collections
import gzip
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax

import memjax as mj
from benchmarks.gpu.sections import Parts, Session
from benchmarks.gpu.works import a, b, chains

__all__ = ["Event", "kernels", "read_events", "summary"]

_STEPS = 20
_TOP = 40
# Names of processes and threads of a trace whose events are kernels: a stream of a GPU, or a worker of XLA on a CPU.
_PROCESSES, _THREADS = ("/device:GPU", "/host:CPU"), ("Stream", "tf_XLA")


class Event(NamedTuple):
    """One kernel: its name, its begin and its length in microseconds."""

    name: str
    begun: float
    length: float


def kernels(session: Session) -> Parts:
    """A part per work; the kernels go into ``kernels.json``, a summary into the results."""
    for make in (a,) if session.tiny else (a, b):
        work = make(session.tiny)
        call = partial(mj.sweep, work.at(_STEPS), work.over(), progress=False)
        yield work.name, partial(_traced, session, work.name, call)
    yield "c", partial(_traced_chains, session)


def _traced_chains(session: Session) -> dict[str, Any]:
    dataset, _ = chains(session.tiny)
    estimate = mj.measures.llc(
        2.0, step_size=3e-3, localization=5.0, draws=_STEPS, burn_in=0, chains=2 if session.tiny else 8, batch_size=128
    )
    return _traced(session, "c", partial(mj.measure, dataset, [estimate]))


def _traced(session: Session, name: str, call: Callable[[], Any]) -> dict[str, Any]:
    """Compile, then trace a second call."""
    call()
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder, profiler_options=_options()):
            call()
        found = summary(read_events(Path(folder)))
    _add(session.out / "kernels.json", name, found)
    busiest = [f"{row['us']:.0f} us, {row['count']} x {row['name'][:60]}" for row in found["kernels"][:5]]
    return {key: value for key, value in found.items() if key != "kernels"} | {"busiest": busiest}


def _options() -> Any:
    """What is traced: not every call in Python, which would push the kernels out of a file of a million events."""
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level = 0
    if jax.default_backend() != "cpu":
        options.host_tracer_level = 1
    return options


def _add(path: Path, name: str, found: dict[str, Any]) -> None:
    """Put one work's kernels beside those that are there."""
    held = json.loads(path.read_text()) if path.exists() else {}
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({**held, name: found}, indent=1))
    os.replace(draft, path)


def read_events(folder: Path) -> list[Event]:
    """The kernels of a trace, from the file that browsers show."""
    path = next(folder.rglob("*.trace.json.gz"))
    with gzip.open(path, "rt") as file:
        events = json.load(file)["traceEvents"]
    places = _places(events)
    return [
        Event(event["name"], float(event["ts"]), float(event["dur"]))
        for event in events
        if event.get("ph") == "X" and (event["pid"], event["tid"]) in places
    ]


def _places(events: Iterable[dict[str, Any]]) -> set[tuple[int, int]]:
    """Process and thread of every stream of kernels: those of GPUs, or where there is none those of the CPU."""
    processes: dict[int, str] = {}
    threads: dict[tuple[int, int], str] = {}
    for event in events:
        if event.get("ph") != "M":
            continue
        if event["name"] == "process_name":
            processes[event["pid"]] = event["args"]["name"]
        elif event["name"] == "thread_name":
            threads[event["pid"], event["tid"]] = event["args"]["name"]
    for process, thread in zip(_PROCESSES, _THREADS, strict=True):
        found = {
            place
            for place, name in threads.items()
            if processes.get(place[0], "").startswith(process) and name.startswith(thread)
        }
        if found:
            return found
    raise ValueError(f"The trace has no stream of kernels, only {sorted(set(threads.values()))[:20]}.")


def summary(events: list[Event]) -> dict[str, Any]:
    """The kernels by their time, all of them together, and the share of the span in which none was at work."""
    lengths: dict[str, float] = collections.defaultdict(float)
    counts: collections.Counter[str] = collections.Counter()
    for event in events:
        lengths[event.name] += event.length
        counts[event.name] += 1
    longest = sorted(lengths.items(), key=lambda item: -item[1])[:_TOP]
    span = max(event.begun + event.length for event in events) - min(event.begun for event in events)
    busy = _busy(events)
    return {
        "span us": round(span, 1),
        "busy us": round(busy, 1),
        "busy ms a step": round(busy / 1e3 / _STEPS, 4),
        "gap share": round(1 - busy / span, 4),
        "kernels in all": len(events),
        "kernels a step": round(len(events) / _STEPS, 1),
        "kernels": [{"name": name, "us": round(length, 1), "count": counts[name]} for name, length in longest],
    }


def _busy(events: Iterable[Event]) -> float:
    """Microseconds in which at least one kernel was at work."""
    total, until = 0.0, float("-inf")
    for event in sorted(events, key=lambda event: event.begun):
        end = event.begun + event.length
        total += max(0.0, end - max(event.begun, until))
        until = max(until, end)
    return total
