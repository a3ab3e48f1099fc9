"""The speed of this machine relative to the machine of the plan's rates, from the time of one matrix product."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from memjax.engine.plan.packing import default_lanes

__all__ = ["relative_speed"]

_SIZE = 1024
_TIMES = 5
# Operations per second of the same product on the machines of the plan's rates: one CPU core, one accelerator.
_CPU_CORE, _ACCELERATOR = 2.4e11, 4e13


def relative_speed() -> float:
    """Speed of one lane now, relative to the machine on which the rates of ``cost.py`` were measured."""
    matrix = jax.device_put(np.ones((_SIZE, _SIZE), np.float32))
    product = jax.jit(lambda a: a @ a).lower(matrix).compile()
    product(matrix).block_until_ready()
    seconds = min(_timed(lambda: product(matrix).block_until_ready()) for _ in range(_TIMES))
    # On a CPU the product uses every core, and each core is one lane.
    reference = _CPU_CORE * default_lanes() if jax.default_backend() == "cpu" else _ACCELERATOR
    return 2 * _SIZE**3 / seconds / reference


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
