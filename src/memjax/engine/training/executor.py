"""Execute a plan on other machines: each block is a job for an executor, and its result comes back to the caller."""

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
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import jax

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.plan.families import padded
from memjax.engine.plan.groups import runs_of
from memjax.engine.plan.packing import block_of
from memjax.engine.plan.plan import Plan
from memjax.engine.plan.samples import Samples
from memjax.engine.program.outcome import BlockResult
from memjax.engine.program.program import Program
from memjax.engine.program.tiles import Schedule, Shape
from memjax.engine.training.block import compile_for, train_block
from memjax.engine.training.execute import DevicePools, ProgressListener, out_of_memory, split
from memjax.engine.training.keep import Keeper
from memjax.engine.training.prepare import Preparations
from memjax.errors import InputError, cause
from memjax.experiment.axes import cells
from memjax.jax_settings import compile_settings, under
from memjax.models.padding import Stack

__all__ = ["Executor", "execute_on"]

_LOG = logging.getLogger("memjax")
_MOST_WAITING = 4096
_TRIES = 3


class Executor(Protocol):
    """Anything with the ``submit`` of `concurrent.futures.Executor`, such as ``Client.get_executor()`` of Dask."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Call a function in a worker; returns a future with ``result``, ``add_done_callback`` and ``cancel``."""
        ...


@dataclass(frozen=True)
class Job:
    """A block as it is sent to a worker: the cells of the sweep, and their packing."""

    sweep: bytes
    indices: tuple[tuple[int, ...], ...]
    schedule: Schedule
    shape: Shape
    records: int
    widths: tuple[int, ...] | Stack | None
    name: str
    start: BlockResult | None
    keep_state: bool
    settings: tuple[Any, ...]


@dataclass(frozen=True)
class OutOfMemory:
    """The answer of a worker for a block that did not fit into memory."""

    message: str


class _Sent(NamedTuple):
    """A block that a worker trains, how often it was sent, and its steps before."""

    block: BlockPlan
    tries: int
    before: int


def execute_on(executor: Executor, plan: Plan, keeper: Keeper, listener: ProgressListener) -> None:
    """Train every block of a plan through an executor.

    A block whose worker is lost is sent again, to another worker if the executor has one. The lost worker's steps are lost.

    Raises
    ------
    InputError
        If the executor is broken, a block was lost several times, or a block of one run does not fit into a worker's
        memory.
    """
    sweep = _pickled((plan.experiment, plan.axes))
    waiting = deque((block, 1) for block in plan.blocks)
    running: dict[Any, _Sent] = {}
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    lost: list[InputError] = []
    listener.compiled()

    def take(future: Any) -> None:
        block, tries, before = running.pop(future)
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
            listener.resumed(block, before)
            listener.steps(block, outcome.step - before)
            listener.finished(block)

    try:
        while waiting or running:
            while waiting and len(running) < _MOST_WAITING:
                block, tries = waiting.popleft()
                start = keeper.start(block)
                if start and start.finished:  # Another process has finished it meanwhile.
                    listener.resumed(block, start.step)
                    listener.finished(block)
                    continue
                future = _submit(executor, _job(sweep, block, start))
                running[future] = _Sent(block, tries, start.step if start else 0)
                future.add_done_callback(done.put)
            if running:
                take(done.get())
    finally:
        for future in running:
            future.cancel()
        _keep_the_rest(done, running, keeper)
    if lost:
        raise lost[0]


def _keep_the_rest(done: queue.SimpleQueue[Any], running: dict[Any, _Sent], keeper: Keeper) -> None:
    """Save the results that arrived at the same time as an error or an interrupt."""
    while not done.empty():
        future = done.get()
        block = running.pop(future).block
        with contextlib.suppress(Exception):
            outcome = future.result()
            if isinstance(outcome, BlockResult):
                keeper.keep(block, outcome)


def _pickled(value: Any) -> bytes:
    """Bytes for another process; with cloudpickle installed, functions that it cannot import are sent by value."""
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
    return Job(
        sweep,
        indices,
        block.schedule,
        block.shape,
        block.records,
        block.program.widths,
        block.name,
        start,
        block.keep_state,
        compile_settings(),
    )


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
    """The worker's answer. If the worker was lost: None to send the block again, or an error after the last try."""
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
    """Train a block in a worker. Errors of the block are returned, so that an exception is always the executor's own."""
    with under(job.settings):
        try:
            return _worker(job.sweep).train(job)
        except Exception as problem:
            return OutOfMemory(cause(problem)) if out_of_memory(problem) else _picklable(problem)


def _picklable(problem: Exception) -> Exception:
    """An error that can be pickled."""
    try:
        pickle.loads(pickle.dumps(problem))
    except Exception:
        return RuntimeError(cause(problem))
    return problem


class _Worker:
    """The objects that the jobs of one sweep share in a process: experiments, so that programs compile once, and pools."""

    def __init__(self, sweep: bytes) -> None:
        self._experiment, self._axes = pickle.loads(sweep)
        self._samples: Samples = {}
        self._known: dict[Program, str] = {}
        self._pools, self._turn = DevicePools(), itertools.count()

    def train(self, job: Job) -> BlockResult:
        runs = runs_of(cells(self._experiment, self._axes, job.indices), self._samples)
        program, first = runs[0]
        program = program if job.widths is None else padded(program, first.experiment, job.widths, self._known)
        block = block_of(program, job.schedule, job.shape, job.records, [run for _, run in runs], job.name)
        block = replace(block, keep_state=job.keep_state)
        devices = jax.local_devices()
        device = devices[next(self._turn) % len(devices)]
        with Preparations([block], 1, ahead=False) as preparations:
            prepared = preparations.begin(block, job.start is not None)
            programs, pool = compile_for(block, device), self._pools.get(block, device)
            quiet, stop = lambda steps, so_far: None, threading.Event()
            return train_block(block, programs, device, pool, job.start, prepared, quiet, stop)


@functools.lru_cache(maxsize=4)
def _worker(sweep: bytes) -> _Worker:
    return _Worker(sweep)
