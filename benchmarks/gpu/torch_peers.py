"""Peers in PyTorch, in a second process: `torch.func` ensembles, eager loops, eager loops under a CUDA graph, an SGLD chain."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from benchmarks.gpu import child
from benchmarks.gpu.sections import Parts, Session
from benchmarks.sweep_throughput import peers
from benchmarks.sweep_throughput.works import Work, fewer

__all__ = ["all_peers", "torch_peers"]

_PATIENCE = 100.0
# Runs and steps of the loops that are timed in part.
_RUNS, _STEPS = 5, 100


def torch_peers(session: Session) -> Parts:
    """One part: the process says its results one by one, so that a time limit loses the last ones only."""
    yield "second process", partial(_process, session)


def _process(session: Session) -> Any:
    if importlib.util.find_spec("torch") is None:
        return "not run: torch is missing"
    from benchmarks.gpu.works import a, as_grid, b

    works = [asdict(as_grid(make(session.tiny), 20 if session.tiny else 200)) for make in (a, b)]
    return child.call("torch_peers:all_peers", {"works": works}, min(_PATIENCE, session.left()))


def all_peers(works: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """In the second process: every peer, whose error is its result."""
    import torch

    settings = peers.Settings(device="gpu" if torch.cuda.is_available() else "cpu", precision="highest")
    first, second = (_work(one) for one in works)
    for name, function in _readings(first, second, settings).items():
        begun = time.perf_counter()
        try:
            found = function()
        except Exception as problem:
            found = {"error": f"{type(problem).__name__}: {problem}"[:600]}
        yield name, {**found, "whole s": round(time.perf_counter() - begun, 2)}


def _work(held: dict[str, Any]) -> Work:
    fields: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in held.items()}
    return Work(**fields)


def _readings(first: Work, second: Work, settings: peers.Settings) -> dict[str, Callable[[], dict[str, Any]]]:
    return {
        f"torch.func, {first.name}": lambda: _whole(first, settings),
        f"torch.func, {second.name}": lambda: _whole(fewer(second, len(second.sizes), second.steps // 2), settings, 2),
        f"eager, {first.name}": lambda: _scaled("torch-eager", first, settings),
        f"eager, {second.name}": lambda: _scaled("torch-eager", second, settings),
        f"eager under a CUDA graph, {first.name}": lambda: _scaled("graph", first, settings),
        f"eager under a CUDA graph, {second.name}": lambda: _scaled("graph", second, settings),
        "SGLD, one chain": lambda: _chain(settings.device),
    }


def _seconds(train: peers.Train, steps: int) -> float:
    # Records end on the host, so nothing is under way when a call returns.
    begun = time.perf_counter()
    train(steps)
    return time.perf_counter() - begun


def _whole(work: Work, settings: peers.Settings, factor: int = 1) -> dict[str, Any]:
    """All runs; a factor stands for steps that were left out."""
    train = peers.load("torch-func").prepare(work, settings)
    _seconds(train, work.record_every)
    spent = _seconds(train, work.steps)
    each = round(1e3 * spent / work.steps, 4)
    return {"warm s": round(factor * spent, 3), "steps timed": work.steps, "ms a step": each}


def _scaled(name: str, work: Work, settings: peers.Settings) -> dict[str, Any]:
    """Some runs of few steps, scaled to all runs and steps of the work."""
    if name == "graph" and settings.device == "cpu":
        return {"not run": "no CUDA"}
    part = _part(work)
    module = importlib.import_module("benchmarks.gpu.torch_graph") if name == "graph" else peers.load(name)
    train = module.prepare(part, settings)
    _seconds(train, part.record_every)
    spent = _seconds(train, part.steps) / (len(part.sizes) * part.steps)
    scaled = round(spent * len(work.sizes) * work.steps, 3)
    return {
        "warm s": scaled,
        "timed": f"{len(part.sizes)} runs x {part.steps} steps",
        "ms a step": round(1e3 * spent, 4),
    }


def _part(work: Work) -> Work:
    """A few runs, evenly over the sizes."""
    steps = min(_STEPS, work.steps)
    every = fewer(work, 1 if len(set(work.sizes)) > 1 else _RUNS, steps)
    kept = every.runs[:: max(1, len(every.sizes) // _RUNS)][:_RUNS]
    sizes, seeds, rates = zip(*kept, strict=True)
    return Work(work.name, sizes, seeds, rates, work.batch_size, steps, work.record_every)


def _chain(device: str, draws: int = 500) -> dict[str, Any]:
    """A chain of work c; on a GPU everything is there, the rows of the batches too."""
    import torch

    from benchmarks.eager_torch import Net, sgld_losses

    place, draws = ("cuda", draws) if device == "gpu" else ("cpu", 20)
    net = Net(53, 12, 48).to(place)
    pairs = torch.randint(0, 53, (1123, 2), device=place)
    settings: Any = {"step_size": 3e-3, "nbeta": 2.0, "gamma": 5.0, "size": 128}
    chain = lambda count: sgld_losses(net, pairs, pairs.sum(1) % 53, draws=count, **settings)  # noqa: E731
    chain(5)
    begun = time.perf_counter()
    losses = chain(draws)
    spent = time.perf_counter() - begun
    chains = 400
    return {
        "ms a draw": round(1e3 * spent / draws, 4),
        "warm s": round(spent / draws * 500 * chains, 1),
        "scaled to": f"{chains} chains of 500 draws",
        "mean loss": sum(losses) / len(losses),
    }
