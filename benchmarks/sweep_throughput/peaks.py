"""What the machine can do at best, in a fresh process per tool: products of matrices, and a copy."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.sweep_throughput import spawn
from benchmarks.sweep_throughput.peers import Settings
from benchmarks.sweep_throughput.report import Peak

_TIMES = 7
_SIZES = {"cpu": (1024, 2048), "gpu": (2048, 8192)}
_COPY_BYTES = 2**28


def measure(work: str, repeat: int, settings: Settings) -> Peak:
    """Take one reading of every peak."""
    tools = ("numpy", "jax") if settings.device == "cpu" else ("jax",)
    ask = ["-m", "benchmarks.sweep_throughput.peaks", settings.device, settings.precision]
    answers = [spawn.python([*ask, tool], settings.device) for tool in tools]
    gflops = {name: value for answer in answers for name, value in answer["gflops"].items()}
    return Peak(work, repeat, gflops, max(answer["copy_gb"] for answer in answers))


def _best_seconds(function: Callable[[], Any]) -> float:
    function()
    seconds = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _gflops(size: int, function: Callable[[], Any]) -> float:
    return 2e-9 * size**3 / _best_seconds(function)


def numpy_peaks() -> dict[str, Any]:
    """NumPy's products on all threads, and its copy."""
    values = np.random.default_rng(0).standard_normal((2048, 2048), np.float32)
    out, source = np.empty_like(values), np.ones(_COPY_BYTES // 4, np.float32)
    copied = np.empty_like(source)
    copy = _best_seconds(lambda: np.copyto(copied, source))
    product = _gflops(2048, lambda: np.matmul(values, values, out=out))
    return {"gflops": {"numpy 2048": product}, "copy_gb": 2e-9 * _COPY_BYTES / copy}


def jax_peaks(device: str, precision: str) -> dict[str, Any]:
    """JAX's products and its copy, on its default device."""
    import jax
    import jax.numpy as jnp

    if precision == "highest":
        jax.config.update("jax_default_matmul_precision", "highest")
    product = jax.jit(jnp.matmul)
    gflops = {}
    for size in _SIZES[device]:
        values = jax.random.normal(jax.random.key(0), (size, size))
        gflops[f"jax {size}"] = _gflops(size, lambda values=values: product(values, values).block_until_ready())
    source, copy = jnp.ones(_COPY_BYTES // 4), jax.jit(lambda x: x + 1.0)
    return {"gflops": gflops, "copy_gb": 2e-9 * _COPY_BYTES / _best_seconds(lambda: copy(source).block_until_ready())}


def main() -> None:
    device, precision, tool = sys.argv[1:]
    print(json.dumps(numpy_peaks() if tool == "numpy" else jax_peaks(device, precision)))


if __name__ == "__main__":
    main()
