"""How fast this machine is beside the one whose rates the plan goes by: one matrix product, timed."""

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
# Operations per second of the same product on a core, or an accelerator, with the rates of the plan.
_CPU_CORE, _ACCELERATOR = 2.4e11, 4e13


def relative_speed() -> float:
    """Speed of one lane now, 1 on the machine where the rates of ``cost.py`` were measured."""
    matrix = jax.device_put(np.ones((_SIZE, _SIZE), np.float32))
    product = jax.jit(lambda a: a @ a).lower(matrix).compile()
    product(matrix).block_until_ready()
    seconds = min(_timed(lambda: product(matrix).block_until_ready()) for _ in range(_TIMES))
    # A product on a CPU uses every core, and each core is a lane.
    reference = _CPU_CORE * default_lanes() if jax.default_backend() == "cpu" else _ACCELERATOR
    return 2 * _SIZE**3 / seconds / reference


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
