"""The sections of `check`, in the order of their value."""

from benchmarks.gpu.bits import bits
from benchmarks.gpu.curvature import curvature
from benchmarks.gpu.hardware import hardware
from benchmarks.gpu.numbers import against_cpu, initial
from benchmarks.gpu.sections import Section
from benchmarks.gpu.shortage import shortage

__all__ = ["SECTIONS"]

SECTIONS: tuple[Section, ...] = (
    Section("machine", 20, hardware),
    Section("initial parameters", 10, initial),
    Section("numbers against a CPU", 60, against_cpu),
    Section("bits", 40, bits),
    Section("curvature", 25, curvature),
    Section("out of memory", 25, shortage),
)
