"""How much the gradients of single examples differ from their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from memjax.checks.values import one_of
from memjax.measures.attributions.gradients import loss_gradients
from memjax.measures.on_snapshots.pac_bayes import check_real
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.types import Data

__all__ = ["gradient_noise"]

_VARIABLES = {
    "gradient_variance": Variable("sum over parameters of the variance of the gradients of single examples"),
    "squared_gradient": Variable("squared norm of the mean gradient"),
}
# Numbers of the gradients that are held at once.
_HELD = 2**22


def gradient_noise(split: str = "train") -> SnapshotMeasure:
    """Variance of the gradients of single examples, to be taken on snapshots by `memjax.measure`.

    The gradient g_i is of the loss of the example i, without penalty and dropout, in all parameters. The variance after
    training is one of the measures of Y. Jiang et al., "Fantastic generalization measures and where to find them", 2020,
    arXiv:1912.02178.

    Parameters
    ----------
    split
        ``train`` or ``test``: of which examples.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``gradient_variance``, the mean over examples of ||g_i - g||^2 with the mean gradient g, and
        ``squared_gradient``, ||g||^2; the sum of both is the mean of ||g_i||^2. Both are NaN where a gradient is not finite, or
        there are no examples.

    Raises
    ------
    InputError
        If the split is neither; when taken, if the parameters are not real floats.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(6,)), train_size=50, steps=20, snapshots=(0, 20))
    >>> found = mj.measure(mj.sweep(spec), [gradient_noise(), "gradient_norm"])
    >>> bool((abs(found.squared_gradient / found.gradient_norm**2 - 1) < 1e-5).all())
    True
    """
    return SnapshotMeasure(_GradientNoise(one_of("split", split, ("train", "test"))), _VARIABLES)


@dataclass(frozen=True)
class _GradientNoise:
    """The settings of the measure, as a function of one snapshot."""

    split: str

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        check_real("gradient_noise", snapshot.params)
        data = getattr(snapshot, self.split)
        if not len(data.x):
            return dict.fromkeys(_VARIABLES, np.nan), {}
        squares, total = _sums(snapshot, data)
        if not np.isfinite(squares):
            return dict.fromkeys(_VARIABLES, np.nan), {}
        mean = float(np.square(total / len(data.x)).sum())
        # Rounding may leave less than nothing where all gradients are equal.
        return {"gradient_variance": max(squares / len(data.x) - mean, 0.0), "squared_gradient": mean}, {}


def _sums(snapshot: Any, data: Data) -> tuple[float, np.ndarray]:
    """Sum of the squared norms of all gradients, and the sum ``float64[P]`` of the gradients."""
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(snapshot.params))
    rows = min(len(data.x), max(1, _HELD // max(1, size)))
    squares, total = 0.0, np.zeros(size)
    for start in range(0, len(data.x), rows):
        # The last rows are filled up, so that all parts share a program.
        fill = np.minimum(np.arange(start, start + rows), len(data.x) - 1)
        found = loss_gradients(snapshot, Data(data.x[fill], data.y[fill]))[: len(data.x) - start]
        squares += float(np.einsum("np,np->", found, found, dtype=np.float64))
        total += found.sum(0, dtype=np.float64)
    return squares, total
