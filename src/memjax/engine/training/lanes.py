"""Lanes: threads that each take the next block, so that independent runs use every core or device."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import jax

from memjax.jax_settings import compile_settings, under

__all__ = ["deal", "pool_turn"]

Item = TypeVar("Item")

# XLA's CPU client has one pool of threads for all programs of the process, as many as there are cores. Linear algebra over
# a batch (LAPACK, FFT) hands its work to that pool and waits for it inside of it: as many such programs at once as there
# are threads wait for ever (jax-ml/jax, seen with two lanes on two cores). One thread must stay free to do the work.
_WAITING = threading.Semaphore(max(1, len(os.sched_getaffinity(0)) - 1 if hasattr(os, "sched_getaffinity") else 1))


def pool_turn(blocks_pool: bool) -> AbstractContextManager[Any]:
    """Room to run a program in a lane, to be held until it is done: limited for one that waits inside XLA's pool."""
    return _WAITING if blocks_pool else nullcontext()


def deal(items: Sequence[Item], work: Callable[[Item, Any, threading.Event], None], lanes: int) -> None:
    """Deal items to lanes in order; a lane takes the next one when it is free.

    Parameters
    ----------
    items
        Dearest first, so that the last ones even out the lanes.
    work
        Called with an item, the lane's device, and an event that is set when it should stop early.
    lanes
        Number of lanes; lane i works on device i modulo the number of devices.
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    stop = threading.Event()
    devices = jax.local_devices()
    settings = compile_settings()

    def lane(device: Any) -> None:
        with under(settings):
            while not stop.is_set():
                try:
                    item = waiting.get_nowait()
                except queue.Empty:
                    return
                work(item, device, stop)

    with ThreadPoolExecutor(lanes, thread_name_prefix="memjax-lane") as pool:
        try:
            futures = [pool.submit(lane, devices[i % len(devices)]) for i in range(min(lanes, len(items)))]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:
            stop.set()
