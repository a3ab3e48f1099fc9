"""Execute a plan on this machine: give blocks to lanes, compile their programs, and pass the results to a keeper."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from itertools import product
from typing import Any, Protocol

import jax
import numpy as np

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.plan.packing import half_blocks
from memjax.engine.plan.plan import Plan
from memjax.engine.program.outcome import BlockResult
from memjax.engine.training.block import OnSegment, compile_for, train_block
from memjax.engine.training.keep import Keeper
from memjax.engine.training.lanes import run_in_lanes
from memjax.engine.training.prepare import Preparations
from memjax.errors import InputError, cause
from memjax.jax_settings import compile_settings, host_dtype, under

__all__ = ["DevicePools", "Programs", "ProgressListener", "execute", "out_of_memory", "split"]

_LOG = logging.getLogger("memjax")
# Threads that compile ahead; tracing holds Python's lock, so that more would gain little.
_COMPILERS = 4


class ProgressListener(Protocol):
    """Receives the progress of a sweep, one call at a time."""

    def compiled(self) -> None:
        """Called when the programs of the first block are compiled and training starts."""
        ...

    def resumed(self, block: BlockPlan, steps: int) -> None:
        """Called when a block goes on from a state that has done ``steps`` steps before."""
        ...

    def steps(self, block: BlockPlan, steps: int) -> None:
        """Called when a block has done ``steps`` more steps; a negative number takes back steps that are done again."""
        ...

    def finished(self, block: BlockPlan) -> None:
        """Called when a block is finished."""
        ...


def execute(plan: Plan, keeper: Keeper, listener: ProgressListener) -> None:
    """Train every block of a plan on the lanes of this machine.

    Parameters
    ----------
    plan
        The blocks to train.
    keeper
        Gives the state from which a block starts, and takes its results.
    listener
        Receives the progress.

    Raises
    ------
    InputError
        If a block of one run does not fit into memory.
    KeyboardInterrupt
        After an interrupt, when every lane has ended its segment and saved its result.
    """
    lock = threading.Lock()
    pools, programs = DevicePools(), Programs(_locked(lock, listener.compiled))
    resumed, steps_done = _locked(lock, listener.resumed), _locked(lock, listener.steps)
    block_done = _locked(lock, listener.finished)

    def train(
        block: BlockPlan, device: Any, start: BlockResult | None, on_segment: OnSegment, stop: threading.Event
    ) -> BlockResult:
        prepared = preparations.begin(block, start is not None)
        compiled, pool = programs.get(block, device), pools.get(block, device)
        return train_block(block, compiled, device, pool, start, prepared, on_segment, stop)

    def work(block: BlockPlan, device: Any, stop: threading.Event) -> None:
        counted = 0

        def segment_done(steps: int, so_far: Callable[[], BlockResult]) -> None:
            nonlocal counted
            counted += steps
            steps_done(block, steps)
            if keeper.due(block):
                keeper.keep(block, so_far())

        start = keeper.start(block)
        if start and start.finished:  # Another process has finished it meanwhile.
            preparations.skip(block)
            resumed(block, start.step)
            block_done(block)
            return
        counted = before = start.step if start else 0
        if before:
            resumed(block, before)
        result, parts = None, []
        try:
            result = train(block, device, start, segment_done, stop)
        except Exception as problem:
            if not out_of_memory(problem):
                raise
            parts = list(keeper.replace(block, split(block, problem)))
            # The parts count their own steps, also those from which they go on.
            steps_done(block, before - counted)
            resumed(block, -before)
        # Outside the except clause: the traceback of the error keeps the arrays alive that did not fit.
        for part in parts:
            work(part, device, stop)
        if result is None:
            return
        if result.step > before or result.finished:
            keeper.keep(block, result)
        if result.finished:
            steps_done(block, result.step - counted)
            block_done(block)

    ahead = jax.default_backend() != "cpu"
    with (
        Preparations(plan.blocks, plan.lanes, ahead=ahead) as preparations,
        programs.ahead(plan) if ahead else nullcontext(),
    ):
        run_in_lanes(plan.blocks, work, plan.lanes)


def _locked(lock: threading.Lock, function: Callable[..., None]) -> Callable[..., None]:
    def call(*arguments: Any) -> None:
        with lock:
            function(*arguments)

    return call


# Graphs that cannot be instantiated and libraries that get no workspace say INTERNAL, and then one of CUDA's own words.
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "CUDA_ERROR_OUT_OF_MEMORY", "ALLOC_FAILED")


def out_of_memory(problem: BaseException) -> bool:
    """Whether an error says that the device or the host ran out of memory."""
    if not isinstance(problem, jax.errors.JaxRuntimeError):
        return isinstance(problem, MemoryError)
    return any(word in str(problem) for word in _OUT_OF_MEMORY)


def split(block: BlockPlan, problem: BaseException) -> list[BlockPlan]:
    """Split a block that did not fit into memory into two blocks of half its runs; raises `InputError` for a single run."""
    if block.shape.runs == 1:
        raise InputError(
            f"A block of one run ({block.shape.train_tiles} tiles of {block.shape.width} examples) does not fit into "
            f"memory: train smaller runs, keep fewer snapshots, or try Packing(schedule='streamed'). {cause(problem)}"
        ) from problem
    parts = half_blocks(block)
    _LOG.warning(
        "A block of %d runs ran out of memory: it is trained in %d parts of %d, whose records differ from the whole's by "
        "float rounding. Packing(runs=%d) would have avoided it.",
        block.shape.runs,
        len(parts),
        parts[0].shape.runs,
        parts[0].shape.runs,
    )
    return parts


class Programs:
    """Compiled programs of a sweep: each is compiled when a lane first needs it, while other lanes train."""

    def __init__(self, on_first: Callable[[], None], compiler: Callable[[BlockPlan, Any], Any] = compile_for) -> None:
        self._held: dict[Any, tuple[threading.Lock, list[Any]]] = {}
        self._lock = threading.Lock()
        self._on_first, self._compiler = on_first, compiler

    def get(self, block: BlockPlan, device: Any) -> Any:
        """Programs of a block on a device."""
        with self._lock:
            own, held = self._held.setdefault((block.key, device), (threading.Lock(), []))
        with own:
            if not held:
                held.append(self._compiler(block, device))
                with self._lock:
                    self._on_first()
                    self._on_first = lambda: None
            return held[0]

    @contextmanager
    def ahead(self, plan: Plan) -> Iterator[None]:
        """Compile the programs of all blocks meanwhile, where the cores of the host have little else to do."""
        devices = jax.local_devices()[: plan.lanes]
        one_each = {block.key: block for block in plan.blocks}
        settings = compile_settings()

        def compile_one(block: BlockPlan, device: Any) -> None:
            # A problem is the lane's that needs the program: the lane compiles once more, and raises.
            with under(settings), suppress(Exception):
                self.get(block, device)

        pool = ThreadPoolExecutor(min(_COMPILERS, os.cpu_count() or 1), thread_name_prefix="memjax-compile")
        try:
            for block, device in product(one_each.values(), devices):
                pool.submit(compile_one, block, device)
            yield
        finally:
            pool.shutdown(cancel_futures=True)


class DevicePools:
    """DevicePools of tasks on devices: one copy per device, shared by all runs."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, Any], tuple[Any, Any]] = {}
        self._lock = threading.Lock()

    def get(self, block: BlockPlan, device: Any) -> Any:
        """The pool of a block's task on a device; None for a task without a pool."""
        if block.pool is None:
            return None
        with self._lock:
            key = id(block.pool), device
            if key not in self._held:
                packed = np.asarray(block.pool, host_dtype(block.pool.dtype))
                self._held[key] = jax.device_put(packed, device), block.pool
            return self._held[key][0]
