"""Arrays, and the examples of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

__all__ = ["Apply", "Array", "Data", "LossFn", "Params", "Split"]


Array: TypeAlias = jax.Array
"""An array of JAX, on any device; within a compiled program, a traced one."""

Params: TypeAlias = Any
"""Any pytree of arrays."""

Apply: TypeAlias = Callable[[Params, Array], Array]
"""``apply(params, x[B, ...]) -> outputs[B, C]`` for one run; each row of outputs depends only on the same row of inputs."""

LossFn: TypeAlias = Callable[..., Array]
"""``loss(outputs[B, C], targets[B, ...]) -> [B]``: one value per example, from its own row alone.

Outputs are in float32 or wider. A loss may ask for ``model``, ``params`` and ``x`` by keyword-only arguments, see
`memjax.losses.of_examples`.
"""


class Data(NamedTuple):
    """Examples of one split of one run, on the host.

    Attributes
    ----------
    x
        Inputs ``[N, ...]``; for a task with a pool, integer indices ``[N]`` into the pool.
    y
        Targets: integer labels ``[N]`` or values ``[N, C]``.
    """

    x: np.ndarray
    y: np.ndarray


class Split(NamedTuple):
    """Train and test examples of one run."""

    train: Data
    test: Data
