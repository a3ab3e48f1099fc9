"""What the machine is and what its device reaches: versions, memory, a copy, a product, and the plans of two works."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

import memjax as mj
from benchmarks.gpu.sections import Parts, Session
from benchmarks.gpu.works import SweepWork, a, b
from benchmarks.sweep_throughput.machine import cpu_model, versions

__all__ = ["hardware"]

_COPIES, _PRODUCTS = 20, 20


def hardware(session: Session) -> Parts:
    """Facts first, then rates, then plans."""
    yield "facts", _facts
    yield "copy GB/s", partial(_copy_rate, 2**22 if session.tiny else 2**30)
    for precision in ("highest", "default"):
        yield f"product TFLOP/s, {precision}", partial(_product_rate, 256 if session.tiny else 4096, precision)
    for make in (a, b):
        work = make(session.tiny)
        yield f"plan of {work.name}", partial(plan_facts, work)


def _facts() -> dict[str, Any]:
    device = jax.local_devices()[0]
    return {
        "device": device.device_kind,
        "backend": jax.default_backend(),
        "cpu": cpu_model(),
        "versions": versions(),
        "memory": device.memory_stats(),
        "nvidia-smi": _smi(),
    }


def _smi() -> str:
    asked = "--query-gpu=name,driver_version,memory.total,clocks.sm,clocks.max.sm,power.limit,persistence_mode"
    try:
        done = subprocess.run(
            ["nvidia-smi", asked, "--format=csv,noheader"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"no nvidia-smi: {problem}"
    return done.stdout.strip() or done.stderr.strip()


def _per_call(function: Callable[[Any], Any], value: Any, times: int) -> float:
    function(value).block_until_ready()
    begun = time.perf_counter()
    for _ in range(times):
        found = function(value)
    found.block_until_ready()
    return (time.perf_counter() - begun) / times


def _copy_rate(size: int) -> float:
    """Bytes read and written in a second, by a program that adds one to every number."""
    return 2 * size / _per_call(jax.jit(lambda x: x + 1), jnp.zeros(size // 4, jnp.float32), _COPIES) / 1e9


def _product_rate(size: int, precision: str) -> float:
    with jax.default_matmul_precision(precision):
        factor = jax.random.normal(jax.random.key(0), (size, size))
        return 2 * size**3 / _per_call(jax.jit(lambda x: x @ x), factor, _PRODUCTS) / 1e12


def plan_facts(work: SweepWork) -> dict[str, Any]:
    """The page of a work's plan, and whether the plan has counted the operations."""
    plan = mj.explain(work.at(work.short), work.over())
    return {"page": str(plan), "operations": plan.flops, "bytes": plan.memory.total, "pass": plan.flops > 0}
