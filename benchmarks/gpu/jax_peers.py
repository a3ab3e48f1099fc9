"""Peers in plain JAX, in this process: `jax.vmap` over padded runs, and a loop over runs of which some are timed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np

from benchmarks.gpu.sections import Parts, Session
from benchmarks.gpu.works import SweepWork, a, as_grid, b, seconds
from benchmarks.sweep_throughput import peers
from benchmarks.sweep_throughput.works import Work, fewer, grid

__all__ = ["jax_peers"]

# Sizes that a loop over work a is timed on; the seconds of those between follow by interpolation over their logarithm.
_LOOPED = (50, 1600, 25600)


def jax_peers(session: Session) -> Parts:
    """Both peers on a and b, with float32 products throughout."""
    for make in (a, b):
        work = make(session.tiny)
        yield f"jax.vmap, {work.name}", partial(_vmapped, work)
    for make in (a,) if session.tiny else (a, b):
        work = make(session.tiny)
        yield f"loop of jitted runs, {work.name}", partial(_looped, work)


@contextlib.contextmanager
def _settings() -> Iterator[peers.Settings]:
    """What a peer is told; the precision that it sets for the process is put back."""
    config: Any = jax.config
    before = config.jax_default_matmul_precision
    try:
        yield peers.Settings(device="cpu" if jax.default_backend() == "cpu" else "gpu", precision="highest")
    finally:
        jax.config.update("jax_default_matmul_precision", before)


def _times(peer: str, work: Work) -> tuple[float, float]:
    """Seconds of a first and of a second call."""
    with _settings() as settings:
        module = peers.load(peer)
        cold, train = seconds(lambda: module.prepare(work, settings))
        first, _ = seconds(lambda: train(work.steps))
        return cold + first, seconds(lambda: train(work.steps))[0]


def _vmapped(work: SweepWork) -> dict[str, Any]:
    """All runs, each padded to the longest."""
    cold, warm = _times("jax-vmap-padded", as_grid(work, work.short))
    return {"cold s": round(cold, 3), "warm s": round(warm, 3)}


def _looped(work: SweepWork) -> dict[str, Any]:
    """Some runs, scaled to all of them; compiling is counted once per size that was timed."""
    sizes = [size for size in _LOOPED if size in work.sizes] or list(work.sizes)
    per_size = 2 if len(sizes) > 1 else 10
    each, cold = {}, 0.0
    for size in sizes:
        part = fewer(grid("part", (size,), work.seeds, steps=work.short), per_size, work.short)
        first, warm = _times("jax-loop", part)
        cold += first - warm
        each[size] = warm / len(part.sizes)
    logs = np.log(np.array(sizes, float))
    spent = np.interp(np.log(np.array(work.sizes, float)), logs, [each[size] for size in sizes])
    return {
        "warm s": round(float(spent.sum()) * work.seeds, 3),
        "estimated from": f"{per_size} runs of each of {sizes}",
        "s a run": {size: round(value, 4) for size, value in each.items()},
        "compiling s": round(cold, 2),
    }
