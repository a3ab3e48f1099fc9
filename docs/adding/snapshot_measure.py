# A measure of a snapshot to copy. In a project of your own: put the file anywhere, and add no line elsewhere.
# In memjax: copy it to src/memjax/measures/on_snapshots/boundary.py, and add two lines to src/memjax/measures/__init__.py:
#     from memjax.measures.on_snapshots.boundary import boundary_distance
#     "boundary_distance",  in __all__
"""How far every example lies from where the predicted class changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import one_of
from memjax.errors import InputError
from memjax.jax_settings import wide
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.types import Array

__all__ = ["boundary_distance"]

_VARIABLES = {"boundary_distance": Variable("distance from the decision boundary, to first order", dims=("example",))}


def boundary_distance(split: str = "test") -> SnapshotMeasure:
    """Distance of every example from the decision boundary, to first order, to be taken on snapshots by `memjax.measure`.

    The least over classes c of (f_y - f_c) / |d(f_y - f_c) / dx|, where y is the predicted class (S.-M. Moosavi-Dezfooli et
    al., "DeepFool", 2016, algorithm 2, one step). The distance is exact for a linear network.

    Parameters
    ----------
    split
        ``train`` or ``test``: of which examples.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``boundary_distance``, ``(example,)``, in the order of the run's examples; infinite where
        no class has a gradient that differs from the predicted one's.

    Raises
    ------
    InputError
        If the split is neither; when taken, if inputs are no floats or there are fewer than two outputs.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(6,)), train_size=50, steps=20, snapshots=(0, 20))
    >>> found = mj.measure(mj.sweep(spec, over={"seed": [0, 1]}), [boundary_distance()])
    >>> dict(found.boundary_distance.sizes), bool((found.boundary_distance >= 0).all())
    ({'seed': 2, 'snapshot': 2, 'example': 50}, True)
    """
    return SnapshotMeasure(_BoundaryDistance(one_of("split", split, ("train", "test"))), _VARIABLES)


@dataclass(frozen=True)
class _BoundaryDistance:
    """The settings of the measure, as a function of one snapshot."""

    split: str

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        x, outputs = getattr(snapshot, self.split).x, snapshot.experiment.task.num_outputs
        if not np.issubdtype(x.dtype, np.floating) or outputs < 2:
            raise InputError(
                f"boundary_distance needs inputs that can be moved and at least two classes, but the inputs are {x.dtype} and "
                f"the task has {outputs} outputs: use a task of classes whose inputs are floats."
            )
        return {"boundary_distance": np.asarray(_distances(snapshot.outputs, jnp.asarray(x)))}, {}


def _distances(outputs: Callable[[Array], Array], x: Array) -> Array:
    """Distances ``[N]`` of inputs ``x[N, ...]``, 256 at a time, for each takes C gradients."""

    def values_of(row: Array) -> Array:
        return wide(outputs(row[None]))[0]

    def distance(row: Array) -> Array:
        values, slopes = values_of(row), jax.jacrev(values_of)(row)
        chosen = values.argmax()
        gaps = values[chosen] - values
        lengths = jnp.linalg.norm((slopes[chosen] - slopes).reshape(len(values), -1), axis=1)
        # The predicted class has no distance from itself.
        counts = (jnp.arange(len(values)) != chosen) & (lengths > 0)
        return jnp.where(counts, gaps / jnp.where(counts, lengths, 1), jnp.inf).min()

    return jax.jit(lambda x: jax.lax.map(distance, x, batch_size=256))(x)
