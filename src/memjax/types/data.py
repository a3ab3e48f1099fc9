"""Arrays, and the examples of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

__all__ = ["Apply", "Array", "Data", "LossFn", "Params", "Split"]


Array: TypeAlias = jax.Array
"""An array of JAX, on any device; within a compiled program, a traced one. Models, losses and measures take and give these."""

Params: TypeAlias = Any
"""Any pytree of arrays: the parameters that a model draws, and that training, penalties and measures are given."""

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

    Examples
    --------
    >>> import numpy as np
    >>> three = Data(x=np.array([[0.5], [1.5], [2.5]]), y=np.array([0, 1, 1]))
    >>> three.x.shape, three.y[three.x[:, 0] > 1].tolist()
    ((3, 1), [1, 1])
    """

    x: np.ndarray
    y: np.ndarray


class Split(NamedTuple):
    """Train and test examples of one run.

    Examples
    --------
    >>> import memjax as mj
    >>> split = mj.tasks.RandomLabels(input_dim=5).draw(seed=0, train_size=8, test_size=3)
    >>> split.train.x.shape, split.test.y.shape
    ((8, 5), (3,))
    """

    train: Data
    test: Data
