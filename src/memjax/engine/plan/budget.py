"""The memory budget of a sweep: the free memory, the memory that the plan needs, and the number of lanes that fit."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from memjax.engine.plan.blocks import BlockPlan, Run
from memjax.engine.plan.cost import work_of
from memjax.engine.plan.memory import host_bytes, on_cpu, run_bytes
from memjax.engine.program.program import Program
from memjax.errors import InputError

__all__ = ["Memory", "block_budget", "default_budget", "fit_lanes", "free_bytes"]

# XLA and LLVM hold about this much while they compile the programs of a sweep: python -m benchmarks.memory.
COMPILER_BYTES = 256 * 2**20
_SHARE = 0.5
# Nothing but the sweep takes memory of a device, and of a block that does not fit nevertheless, half is tried.
_DEVICE_SHARE = 0.75


def default_budget() -> int:
    """Bytes that all blocks together may take: of a CPU half of the free memory, of an accelerator most of its own.

    Raises
    ------
    InputError
        If the accelerator does not say how much memory JAX may take.
    """
    if on_cpu():
        return int(_SHARE * free_bytes())
    device = jax.local_devices()[0]
    stats = device.memory_stats() or {}
    if "bytes_limit" not in stats:
        raise InputError(
            f"The {device.device_kind} does not say how much memory JAX may take, as under "
            "XLA_PYTHON_CLIENT_ALLOCATOR=platform: give the sweep's share with Packing(memory=bytes), or leave the setting out."
        )
    return int(_DEVICE_SHARE * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))


def free_bytes() -> int:
    """Free memory of this machine, or of the container in which this process runs."""
    free = [_available(Path("/proc/meminfo")), *_cgroup_free(Path("/sys/fs/cgroup"))]
    known = [value for value in free if value is not None]
    return min(known) if known else 8 * 2**30


def _available(path: Path) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _physical()


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return None


def _cgroup_free(root: Path) -> Iterable[int]:
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            yield max(0, int((root / limit).read_text()) - int((root / used).read_text()))
        except (OSError, ValueError):
            continue


def process_bytes() -> int:
    """Memory in bytes that this process uses now."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 300 * 2**20


def block_budget(budget: int, groups: Iterable[tuple[Program, Sequence[Run]]], lanes: int) -> int:
    """Bytes that one block may take.

    On a CPU, the compiler and the results are subtracted from the budget and the rest is divided among the lanes. On an
    accelerator the pools are subtracted, and the lanes of a device share the rest.
    """
    if not on_cpu():
        return max(0, budget - _pool_bytes(run.pool for _, runs in groups for run in runs)) // _on_a_device(lanes)
    results = sum(_results(program, runs) for program, runs in groups)
    return max(0, budget - COMPILER_BYTES - results) // lanes


def _on_a_device(lanes: int) -> int:
    """Lanes that work on the same device: lanes are dealt to the devices in turn."""
    return math.ceil(lanes / jax.local_device_count())


def _pool_bytes(pools: Iterable[np.ndarray | None]) -> int:
    return sum({id(pool): pool.nbytes for pool in pools if pool is not None}.values())


class Memory(NamedTuple):
    """Bytes that a sweep takes, by part.

    Attributes
    ----------
    process
        Memory of the process when the plan was made.
    compiler
        Memory that compilation leaves allocated.
    blocks, pools
        Blocks that train at the same time, and their tasks' pools; both on the device.
    results
        Records and snapshots, on the host.
    """

    process: int
    compiler: int
    blocks: int
    pools: int
    results: int

    @property
    def added(self) -> int:
        """Bytes that the sweep adds to those of the process."""
        return self.compiler + self.blocks + self.pools + self.results

    @property
    def total(self) -> int:
        """Bytes of the process at its peak, where host and device share their memory."""
        return self.process + self.added


def fit_lanes(blocks: Sequence[BlockPlan], lanes: int, budget: int) -> tuple[int, Memory]:
    """The largest number of lanes within the budget, and their memory; raises `InputError` if a single lane is too many."""
    if not blocks:
        return 1, _memory(blocks, 1)
    for count in range(min(lanes, len(blocks)), 0, -1):
        memory = _memory(blocks, count)
        on_device = _memory(blocks, _on_a_device(count))
        held = memory.added if on_cpu() else on_device.blocks + on_device.pools
        if held <= budget:
            _check_host(blocks, count, memory)
            return count, memory
    raise InputError(
        f"The sweep needs about {_gigabytes(held)} of memory, more than the budget of {_gigabytes(budget)}: train fewer or "
        "smaller runs at a time, keep fewer records or snapshots, or raise the budget with Packing(memory=bytes)."
    )


def _check_host(blocks: Sequence[BlockPlan], lanes: int, memory: Memory) -> None:
    """Raise `InputError` if what runs on an accelerator needs more memory of the host than there is."""
    if on_cpu():
        return
    # The next block is prepared while the lanes train.
    held = sorted(map(_host_bytes, blocks), reverse=True)[: lanes + 1]
    needed, free = memory.compiler + memory.pools + memory.results + sum(held), free_bytes()
    if needed > free:
        raise InputError(
            f"The sweep needs about {_gigabytes(needed)} of the host's memory, of which {_gigabytes(free)} are free: train "
            "fewer runs in a call, or keep fewer records or snapshots."
        )


def _host_bytes(block: BlockPlan) -> int:
    program, schedule, shape, *_ = block.key
    return host_bytes(program, schedule, shape, work_of(program), block.pool is not None)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.3g} GB"


def _memory(blocks: Sequence[BlockPlan], lanes: int) -> Memory:
    dearest = sorted((block.bytes for block in blocks), reverse=True)[:lanes]
    return Memory(
        process=process_bytes(),
        compiler=COMPILER_BYTES,
        blocks=sum(dearest),
        pools=_pool_bytes(block.pool for block in blocks),
        results=sum(_results(block.program, block.runs) for block in blocks),
    )


def _results(program: Program, runs: Sequence[Run]) -> int:
    work = work_of(program)
    return sum(run_bytes(program, run.experiment, work) for run in runs)
