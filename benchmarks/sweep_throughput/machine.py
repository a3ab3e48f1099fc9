"""What the machine is: processor, cores, versions, date, accelerator."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.sweep_throughput import spawn

_PACKAGES = ("memjax", "jax", "jaxlib", "flax", "optax", "numpy", "torch")
_JAX_GPU = """
import json, jax
found = [device.device_kind for device in jax.devices() if device.platform == "gpu"]
print(json.dumps(found[0] if found else None))
"""
_TORCH_GPU = "import json, torch; print(json.dumps(torch.cuda.is_available()))"


def describe(device: str) -> dict[str, Any]:
    """Facts about the machine that numbers depend on."""
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpu": gpu_name() if device == "gpu" else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def cpu_model() -> str:
    """Name of the processor as the system gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of what takes part and is installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def gpu_name() -> str | None:
    """Name of the GPU that JAX works on, or None. Asked in another process: one that asks takes the GPU's memory."""
    try:
        return spawn.python(["-c", _JAX_GPU], "gpu")
    except spawn.Failed:
        return None


def torch_sees_gpu() -> bool:
    """Whether PyTorch, if installed, works on a GPU."""
    try:
        return bool(spawn.python(["-c", _TORCH_GPU], "gpu"))
    except spawn.Failed:
        return False
