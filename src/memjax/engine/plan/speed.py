"""The speed of this machine relative to the machine of the plan's rates, from the time of one matrix product."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from memjax.engine.plan.packing import default_lanes

__all__ = ["relative_speed"]

_TIMES = 5
# Size of the product, and its operations per second on the machines of the plan's rates: one CPU core, and one H200, whose
# launch would hide a smaller product.
_CPU_CORE, _ACCELERATOR = (1024, 2.4e11), (4096, 5.07e13)


def relative_speed() -> float:
    """Speed of one lane now, relative to the machine on which the rates of ``cost.py`` were measured."""
    on_cpu = jax.default_backend() == "cpu"
    size, reference = _CPU_CORE if on_cpu else _ACCELERATOR
    matrix = jax.device_put(np.ones((size, size), np.float32))
    with jax.default_matmul_precision("highest"):
        product = jax.jit(lambda a: a @ a).lower(matrix).compile()
    product(matrix).block_until_ready()
    seconds = min(_timed(lambda: product(matrix).block_until_ready()) for _ in range(_TIMES))
    # On a CPU the product uses every core, and each core is one lane.
    return 2 * size**3 / seconds / (reference * default_lanes() if on_cpu else reference)


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
