"""Execute a plan elsewhere: each block is a job for an executor, and what it leaves comes back to the caller."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import itertools
import logging
import pickle
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import jax

from memjax.engine.plan.blocks import BlockPlan, block_of
from memjax.engine.plan.groups import runs_of
from memjax.engine.plan.plan import Plan
from memjax.engine.plan.samples import Samples
from memjax.engine.program.outcome import BlockResult
from memjax.engine.program.step import Schedule
from memjax.engine.program.tiles import Shape
from memjax.engine.training.block import compile_for, train_block
from memjax.engine.training.execute import Pools, ProgressListener, out_of_memory, split
from memjax.engine.training.keep import Keeper
from memjax.errors import InputError, cause
from memjax.experiment.axes import cells
from memjax.jax_settings import compile_settings, under

__all__ = ["Executor", "execute_on"]

_LOG = logging.getLogger("memjax")
_MOST_WAITING = 4096
_TRIES = 3


class Executor(Protocol):
    """Anything with the ``submit`` of `concurrent.futures.Executor`, such as ``Client.get_executor()`` of Dask."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Call a function somewhere; gives a future with ``result``, ``add_done_callback`` and ``cancel``."""
        ...


@dataclass(frozen=True)
class Job:
    """A block on its way to a worker: which cells of the sweep, and how they are packed."""

    sweep: bytes
    indices: tuple[tuple[int, ...], ...]
    schedule: Schedule
    shape: Shape
    records: int
    name: str
    start: BlockResult | None
    settings: tuple[Any, ...]


@dataclass(frozen=True)
class OutOfMemory:
    """What a worker sends back for a block that did not fit."""

    message: str


def execute_on(executor: Executor, plan: Plan, keeper: Keeper, watcher: ProgressListener) -> None:
    """Train every block of a plan through an executor.

    A block whose worker is lost is sent again, to another if the executor has one; what a worker had done of it is lost.

    Raises
    ------
    InputError
        If the executor is broken, a block was lost several times, or one run alone needs more memory than a worker has.
    """
    sweep = _pickled((plan.experiment, plan.axes))
    waiting = deque((block, 1) for block in plan.blocks)
    running: dict[Any, tuple[BlockPlan, int]] = {}
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    lost: list[InputError] = []
    watcher.compiled()

    def take(future: Any) -> None:
        block, tries = running.pop(future)
        outcome = _outcome(future, block, tries)
        if isinstance(outcome, InputError):
            lost.append(outcome)
        elif outcome is None:
            waiting.append((block, tries + 1))
        elif isinstance(outcome, OutOfMemory):
            parts = keeper.replace(block, split(block, MemoryError(outcome.message)))
            waiting.extend((part, 1) for part in parts)
        else:
            keeper.keep(block, outcome)
            watcher.steps(block, block.program.steps)
            watcher.finished(block)

    try:
        while waiting or running:
            while waiting and len(running) < _MOST_WAITING:
                block, tries = waiting.popleft()
                start = keeper.start(block)
                if start and start.finished:  # By another process, meanwhile.
                    watcher.finished(block)
                    continue
                future = _submit(executor, _job(sweep, block, start))
                running[future] = block, tries
                future.add_done_callback(done.put)
            if running:
                take(done.get())
    finally:
        for future in running:
            future.cancel()
        _keep_the_rest(done, running, keeper)
    if lost:
        raise lost[0]


def _keep_the_rest(done: queue.SimpleQueue[Any], running: dict[Any, tuple[BlockPlan, int]], keeper: Keeper) -> None:
    """Keep what came back beside an error or an interrupt."""
    while not done.empty():
        future = done.get()
        block, _ = running.pop(future)
        with contextlib.suppress(Exception):
            outcome = future.result()
            if isinstance(outcome, BlockResult):
                keeper.keep(block, outcome)


def _pickled(value: Any) -> bytes:
    """Bytes for another process; functions that it cannot import travel by value where cloudpickle is there."""
    pickler: Any = pickle
    if importlib.util.find_spec("cloudpickle"):
        pickler = importlib.import_module("cloudpickle")
    try:
        content: bytes = pickler.dumps(value)
        return content
    except (pickle.PicklingError, AttributeError, TypeError) as problem:
        raise InputError(
            f"The experiment cannot be sent to a worker: {cause(problem)} Define its functions at the top of a module, or "
            "pip install cloudpickle."
        ) from problem


def _job(sweep: bytes, block: BlockPlan, start: BlockResult | None) -> Job:
    indices = tuple(run.index for run in block.runs)
    return Job(sweep, indices, block.schedule, block.shape, block.records, block.name, start, compile_settings())


def _submit(executor: Executor, job: Job) -> Any:
    try:
        return executor.submit(train_job, job)
    except (BrokenExecutor, RuntimeError) as problem:
        raise _broken(problem) from problem


def _broken(problem: BaseException) -> InputError:
    return InputError(
        f"The executor takes no more work ({cause(problem)[:-1]}): make a new one and make the same call again. With a store "
        "it goes on from what was finished."
    )


def _outcome(future: Any, block: BlockPlan, tries: int) -> BlockResult | OutOfMemory | InputError | None:
    """What came back; None if the worker was lost and the block is to be sent again, an error if that was the last time."""
    try:
        outcome: BlockResult | OutOfMemory | Exception = future.result()
    except BrokenExecutor as problem:
        raise _broken(problem) from problem
    except Exception as problem:
        if tries == _TRIES:
            error = InputError(
                f"A block of {len(block.runs)} runs was lost {tries} times by the executor, last with {cause(problem)} Look at "
                "the workers' logs: out of memory is the usual reason, and Packing(runs=...) makes blocks smaller."
            )
            error.__cause__ = problem
            return error
        _LOG.warning(
            "A worker was lost with a block of %d runs (%s); it is sent again.", len(block.runs), cause(problem)
        )
        return None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def train_job(job: Job) -> BlockResult | OutOfMemory | Exception:
    """Train a block, in a worker; errors are given back, so that what is raised is the executor's."""
    with under(job.settings):
        try:
            return _worker(job.sweep).train(job)
        except Exception as problem:
            return OutOfMemory(cause(problem)) if out_of_memory(problem) else _portable(problem)


def _portable(problem: Exception) -> Exception:
    """An error that can travel."""
    try:
        pickle.loads(pickle.dumps(problem))
    except Exception:
        return RuntimeError(cause(problem))
    return problem


class _Worker:
    """What the jobs of one sweep share in a process: its objects, so that programs compile once, and its pools."""

    def __init__(self, sweep: bytes) -> None:
        self._experiment, self._axes = pickle.loads(sweep)
        self._samples: Samples = {}
        self._pools, self._turn = Pools(), itertools.count()

    def train(self, job: Job) -> BlockResult:
        runs = runs_of(cells(self._experiment, self._axes, job.indices), self._samples)
        block = block_of(runs[0][0], job.schedule, job.shape, job.records, [run for _, run in runs], job.name)
        devices = jax.local_devices()
        device = devices[next(self._turn) % len(devices)]
        programs, pool = compile_for(block, device), self._pools.get(block, device)
        return train_block(block, programs, device, pool, job.start, lambda steps, so_far: None, threading.Event())


@functools.lru_cache(maxsize=4)
def _worker(sweep: bytes) -> _Worker:
    return _Worker(sweep)
