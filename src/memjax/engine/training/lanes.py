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

__all__ = ["run_in_lanes", "pool_turn"]

Item = TypeVar("Item")

# XLA's CPU client has one thread pool for all programs of the process, with one thread per core. Linear algebra over a
# batch (LAPACK, FFT) hands its work to that pool, and waits for the work in a thread of the same pool. If as many such
# programs run at once as there are threads, they wait for ever (seen with two lanes on two cores). One thread must stay
# free for the work.
_WAITING = threading.Semaphore(max(1, len(os.sched_getaffinity(0)) - 1 if hasattr(os, "sched_getaffinity") else 1))


def pool_turn(blocks_pool: bool) -> AbstractContextManager[Any]:
    """A context in which a lane runs a program; it limits how many programs wait inside XLA's thread pool at once."""
    return _WAITING if blocks_pool else nullcontext()


def run_in_lanes(items: Sequence[Item], work: Callable[[Item, Any, threading.Event], None], lanes: int) -> None:
    """Work on items in lanes; each lane takes the next item when it is free.

    Parameters
    ----------
    items
        Most expensive first, so that all lanes end at about the same time.
    work
        Called with an item, the lane's device, and an event that is set when work should stop early.
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
