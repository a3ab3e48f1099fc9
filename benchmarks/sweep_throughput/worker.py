"""One peer on one work in a fresh process: a request comes on standard input, a reading leaves on standard output."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.sweep_throughput import peers
from benchmarks.sweep_throughput.budget import probe_work
from benchmarks.sweep_throughput.peers import WITH_VARIANTS, Settings, Train, Trained
from benchmarks.sweep_throughput.report import Reading
from benchmarks.sweep_throughput.works import Work

COMPILED, MISSED = "/jax/core/compile/backend_compile_duration", "/jax/compilation_cache/cache_misses"


@dataclass(frozen=True)
class Request:
    """What a worker is to do.

    Attributes
    ----------
    calls, patience
        Training calls, one or two: the second shows the steady state, and is left out where the first took more seconds
        than ``patience``, when what it would show beside the start is next to nothing.
    probe
        Whether to train only the short part by which the peer's speed is guessed.
    finals
        Whether to hand back the final records of every run.
    started
        Time at which the process was started.
    """

    peer: str
    work: Work
    settings: Settings
    calls: int
    patience: float
    probe: bool
    finals: bool
    started: float


def read_request(text: str) -> Request:
    """Request from its JSON."""
    raw = json.loads(text)
    lists = {name: tuple(raw["work"][name]) for name in ("sizes", "seeds", "learning_rates")}
    return Request(**{**raw, "work": Work(**{**raw["work"], **lists}), "settings": Settings(**raw["settings"])})


def run(request: Request) -> dict[str, Any]:
    """Import the peer, train, train again if asked; the answer as plain data."""
    peer = peers.load(request.peer)
    imports = time.time() - request.started
    compiled, missed = _listen() if WITH_VARIANTS[request.peer].compiles else ([], [])
    grain = peer.grain(request.work, request.settings)
    work = probe_work(request.work, grain) if request.probe else request.work
    first, trained, train = _first_call(peer, work, request.settings)
    second = _seconds(lambda: train(work.steps)) if request.calls > 1 and first <= request.patience else None
    check_trained(trained, work)
    peak = _peak_mb(request.settings.device)
    reading = Reading(imports, first, second, sum(compiled), len(compiled), len(missed), peak, trained.facts)
    return {"reading": asdict(reading), "grain": grain, "finals": finals(trained) if request.finals else None}


def _first_call(peer: ModuleType, work: Work, settings: Settings) -> tuple[float, Trained, Train]:
    start = time.perf_counter()
    train = peer.prepare(work, settings)
    trained = train(work.steps)
    return time.perf_counter() - start, trained, train


def _seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def check_trained(trained: Trained, work: Work) -> None:
    """Refuse records that are not those of finished training: wrong shape, not finite, or no loss that went down."""
    expected = len(work.sizes), work.records
    for name in peers.RECORDS:
        values = trained.records[name]
        if values.shape != expected or not np.isfinite(values).all():
            raise SystemExit(f"{name} came back as {values.shape} for {expected}, or not finite.")
    loss = trained.records["train_loss"]
    if not np.median(loss[:, -1] - loss[:, 0]) < 0.0:
        raise SystemExit("The train loss of most runs did not go down.")


def finals(trained: Trained) -> dict[str, list[float]]:
    """Final records of every run, and the gap of the norm."""
    last = {name: values[:, -1].tolist() for name, values in trained.records.items()}
    norm = trained.records["weight_l2"]
    return {**last, "l2_gap": (norm[:, -1] - norm[:, 0]).tolist()}


def _listen() -> tuple[list[float], list[str]]:
    import jax

    compiled: list[float] = []
    missed: list[str] = []

    def on_duration(event: str, seconds: float, **extra: Any) -> None:
        if event == COMPILED:
            compiled.append(seconds)

    def on_event(event: str, **extra: Any) -> None:
        if event == MISSED:
            missed.append(event)

    jax.monitoring.register_event_duration_secs_listener(on_duration)
    jax.monitoring.register_event_listener(on_event)
    return compiled, missed


def _peak_mb(device: str) -> float:
    if device == "gpu":
        return _gpu_bytes() / 2**20
    children = [child.pid for child in multiprocessing.active_children()]
    return sum(_resident_mb(pid) for pid in ["self", *children])


def _resident_mb(pid: Any) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def _gpu_bytes() -> int:
    if "torch" in sys.modules:
        import torch

        return torch.cuda.max_memory_allocated()
    import jax

    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)


def main() -> None:
    print(json.dumps(run(read_request(sys.stdin.read()))))


if __name__ == "__main__":
    main()
