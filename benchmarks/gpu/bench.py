"""The sections of `bench`, in the order of their value. The last ones run if those before were quicker than expected."""

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

SECTIONS: tuple[Section, ...] = (
    Section("memjax", 130, speed),
    Section("host", 15, host),
    Section("kernels", 35, kernels),
    Section("PyTorch", 40, torch_peers),
    Section("JAX", 60, jax_peers),
    Section("precision", 60, precisions),
    Section("memory", 40, memory),
    Section("growth", 45, growth),
    Section("structures", 35, structures),
    Section("compiler options", 40, columns),
)
