"""The H100 that programs are compiled for. XLA's compiler needs a card's figures and the CUDA plug-in's wheels, but no card."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Mapping
from typing import Any

__all__ = ["FIGURES", "MISSING", "as_text", "device", "plug_in", "settle"]

MISSING = (
    "JAX's CUDA plug-in is not installed in this environment, so nothing can be compiled for a GPU: run `make h100`, "
    "which installs the wheels of requirements-h100.txt into .venv-h100."
)
_PLUG_INS = ("jax_plugins.xla_cuda13", "jax_plugins.xla_cuda12")

# An H100 SXM5 with 80 GB, with the names that XLA's description of a card has for them (a text of protocol buffers).
FIGURES: dict[str, Any] = {
    "gpu_device_info": {
        "name": "NVIDIA H100 80GB HBM3",
        "device_vendor": "NVIDIA Corporation",
        "platform_version": "Compute Capability 9.0",
        "cuda_compute_capability": {"major": 9, "minor": 0},
        "core_count": 132,
        "fpus_per_core": 128,
        "clock_rate_ghz": 1.98,
        "memory_bandwidth": 3_352_320_000_000,
        "pcie_bandwidth": 32 * 2**30,
        "device_memory_size": 84_942_979_072,
        "device_address_bits": 64,
        "l2_cache_size": 50 * 2**20,
        "shared_memory_per_block": 48 * 2**10,
        "shared_memory_per_block_optin": 227 * 2**10,
        "shared_memory_per_core": 228 * 2**10,
        "registers_per_block_limit": 2**16,
        "registers_per_core_limit": 2**16,
        "threads_per_warp": 32,
        "threads_per_block_limit": 1024,
        "threads_per_core_limit": 2048,
        "thread_dim_limit_x": 1024,
        "thread_dim_limit_y": 1024,
        "thread_dim_limit_z": 64,
        "block_dim_limit_x": 2**31 - 1,
        "block_dim_limit_y": 2**16 - 1,
        "block_dim_limit_z": 2**16 - 1,
        "driver_version": "13.0.0",
        "runtime_version": "13.0.0",
        "compile_time_toolkit_version": "13.0.0",
        "dnn_version": "9.12.0",
    },
    "platform_name": "CUDA",
    "runtime_version": {"major": 13, "minor": 0, "patch": 0},
    "dnn_version_info": {"major": 9, "minor": 12, "patch": 0},
    "device_description_str": "NVIDIA H100 80GB HBM3",
}


def as_text(figures: Mapping[str, Any]) -> str:
    """Write figures as a text of protocol buffers.

    Examples
    --------
    >>> as_text({"name": "card", "capability": {"major": 9}})
    'name: "card" capability { major: 9 }'
    """

    def field(name: str, value: Any) -> str:
        if isinstance(value, Mapping):
            return f"{name} {{ {as_text(value)} }}"
        return f'{name}: "{value}"' if isinstance(value, str) else f"{name}: {value}"

    return " ".join(field(name, value) for name, value in figures.items())


def plug_in() -> str | None:
    """The module of JAX's CUDA plug-in that is installed, or None."""
    if importlib.util.find_spec("jax_plugins") is None:
        return None
    return next((name for name in _PLUG_INS if importlib.util.find_spec(name) is not None), None)


def settle() -> None:
    """Set what JAX and XLA read when they are imported."""
    # Arrays stay on the CPU; only the compiler of the plug-in is used.
    os.environ["JAX_PLATFORMS"] = "cpu"
    # Tuning would run candidates on the card that is not there, and XLA checks this flag before a program's own options.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_autotune_level=0".strip()


@functools.cache
def device() -> Any:
    """The card as a device that programs can be compiled for."""
    from jax.experimental import topologies

    described = topologies.get_topology_desc(platform="cuda", target_config=as_text(FIGURES), topology="1x1x1")
    return described.devices[0]
