"""NumPy on several cores: NumPy gives up Python's lock inside its loops, so threads share the work on independent arrays."""

from __future__ import annotations

import contextvars
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["num_cores", "on_cores"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def num_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_cores(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Call a function of NumPy arrays on items, some at the same time; results come in order.

    Parameters
    ----------
    function
        Works with NumPy alone: two programs of JAX that wait for the same threads of XLA could wait for ever.
    items
        Made in the calling thread, one more than there are cores ahead of the results, so that few are in memory.

    Yields
    ------
    Any
        The result for each item.

    Examples
    --------
    >>> list(on_cores(sum, [[1, 2], [3, 4]]))
    [3, 7]
    """
    cores = num_cores()
    waiting: deque[Any] = deque()
    with ThreadPoolExecutor(cores, thread_name_prefix="memjax-numpy") as pool:
        for item in items:
            # NumPy's settings of floating-point errors belong to the context of a thread.
            waiting.append(pool.submit(contextvars.copy_context().run, function, item))
            if len(waiting) > cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
