"""The host's work on a block before it trains: made while its program compiles, and for the next block while one trains."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.program.initial import draws_itself, live_places
from memjax.engine.program.initial_of_runs import initial_of_runs
from memjax.engine.program.tiles import Block, draw_block
from memjax.engine.training.lanes import pool_turn
from memjax.jax_settings import compile_settings, under

__all__ = ["Preparations", "Prepared", "prepare"]


class Prepared(NamedTuple):
    """Host arrays of a block before its first step.

    Attributes
    ----------
    packed, live
        Data of the runs, and the places of their parameters among padding.
    params
        Initial parameters ``[R, ...]``; None for a block that goes on from a saved state, where nothing asks for them.
    """

    packed: Block
    live: Any
    params: Any


def prepare(block: BlockPlan, resumes: bool = False) -> Prepared:
    """Draw the data and the initial parameters of a block."""
    program, runs = block.program, block.experiments
    if resumes and "initial" not in program.asks:
        return Prepared(draw_block(program, block.schedule, block.shape, runs), live_places(program, runs), None)
    # Many networks are drawn by a program of XLA, beside which Python has time for the data.
    with ThreadPoolExecutor(1, thread_name_prefix="memjax-init") as beside:
        params = beside.submit(_initial, block, compile_settings())
        packed = draw_block(program, block.schedule, block.shape, runs)
    return Prepared(packed, live_places(program, runs), params.result())


def _initial(block: BlockPlan, settings: tuple[Any, ...]) -> Any:
    program = block.program
    # A user's draw may wait inside XLA's thread pool, as a decomposition does.
    with under(settings), pool_turn(not draws_itself(program)):
        return initial_of_runs(program, block.experiments)


class Preparations:
    """Prepares blocks in threads of its own: each while its program compiles, and at most one ahead of the lanes.

    Parameters
    ----------
    blocks
        The blocks in the order in which lanes take them.
    lanes
        Number of lanes.
    ahead
        Whether to prepare the next block while blocks train. Where they train on the host, training would lose what that
        gains.
    """

    def __init__(self, blocks: Sequence[BlockPlan], lanes: int, *, ahead: bool) -> None:
        self._left = {id(block): block for block in blocks} if ahead else {}
        self._ahead: dict[int, Future[Prepared]] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(lanes + ahead, thread_name_prefix="memjax-prepare")
        self._settings = compile_settings()

    def __enter__(self) -> Preparations:
        return self

    def __exit__(self, *error: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def begin(self, block: BlockPlan, resumes: bool = False) -> Callable[[], Prepared]:
        """Begin to prepare a block, unless that was done ahead; the result waits for it, and may be called once."""
        # Taken out of the list by the one call, so that the arrays are free when they are on the device.
        waiting = [self.skip(block) or self._submit(block, resumes)]

        def take() -> Prepared:
            prepared = waiting.pop().result()
            self._prepare_next()
            return prepared

        return take

    def skip(self, block: BlockPlan) -> Future[Prepared] | None:
        """Do not prepare a block ahead; what was prepared of it."""
        with self._lock:
            self._left.pop(id(block), None)
            return self._ahead.pop(id(block), None)

    def _prepare_next(self) -> None:
        with self._lock:
            block = next(iter(self._left.values()), None)
            if block is not None and not self._ahead:
                self._ahead[id(block)] = self._submit(block, False)

    def _submit(self, block: BlockPlan, resumes: bool) -> Future[Prepared]:
        def prepared() -> Prepared:
            with under(self._settings):
                return prepare(block, resumes)

        return self._threads.submit(prepared)
