"""The sections of `bench`, in the order of their value."""

from benchmarks.gpu.columns import columns
from benchmarks.gpu.growth import growth
from benchmarks.gpu.host import host
from benchmarks.gpu.jax_peers import jax_peers
from benchmarks.gpu.kernels import kernels
from benchmarks.gpu.memory import memory
from benchmarks.gpu.sections import Section
from benchmarks.gpu.speed import precisions, speed
from benchmarks.gpu.structures import structures
from benchmarks.gpu.torch_peers import torch_peers

__all__ = ["SECTIONS"]

SECTIONS = (
    Section("memjax", 120, speed),
    Section("host", 20, host),
    Section("kernels", 35, kernels),
    Section("PyTorch", 60, torch_peers),
    Section("JAX", 50, jax_peers),
    Section("memory", 45, memory),
    Section("precision", 60, precisions),
    Section("compiler options", 60, columns),
    Section("growth", 45, growth),
    Section("structures", 40, structures),
)
