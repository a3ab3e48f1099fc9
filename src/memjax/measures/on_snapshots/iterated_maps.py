"""A network that gives back its inputs, applied again and again: where paths end, and the basins of the train examples."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import number, whole
from memjax.errors import InputError
from memjax.fields import traced_values, without_numbers
from memjax.jax_settings import product_precision
from memjax.measures.on_snapshots.reconstruction import check_reconstructs, flat_map
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.types import Array

__all__ = ["iterate", "iterated_maps"]

_VARIABLES = {
    "iterated_end": Variable("where the path ends", dims=("start", "feature")),
    "iterated_distance": Variable("distance of the path's end from the train example", dims=("start", "example")),
    "basin_share": Variable("share of the starts whose path ends at the train example", dims=("example",)),
}


def iterated_maps(starts: Any = None, *, steps: int = 1000, within: float = 0.01) -> SnapshotMeasure:
    """Apply a network that gives back its inputs again and again, to be taken on snapshots by `memjax.measure`.

    The share of starts that end at a train example is the size of its basin (A. Radhakrishnan, M. Belkin and C. Uhler,
    "Overparameterized neural networks implement associative memory", 2020, arXiv:1909.12362).

    Parameters
    ----------
    starts
        Inputs ``[M, ...]`` in the shape of the run's inputs, the same for all snapshots; None takes each run's test examples.
    steps
        Number of applications.
    within
        Largest Euclidean distance from a train example at which a path counts as ended there, in the units of the inputs.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``iterated_end``, ``float32[start, feature]``; ``iterated_distance``,
        ``float64[start, example]``; and ``basin_share``, ``float64[example]``. A path that has left the range of its floats
        ends nowhere: its end is not finite, its distances are infinite.

    Raises
    ------
    InputError
        If a setting is not allowed; when taken, if outputs are not as many as inputs, or starts have another shape.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(
    ...     task=mj.tasks.SparseFeatures(num_features=6), model=mj.models.Autoencoder(hidden=3), loss="mse",
    ...     train_size=5, test_size=40, steps=20, snapshots=(20,),
    ... )
    >>> found = mj.measure(mj.sweep(spec), [iterated_maps(steps=100)])
    >>> dict(found.iterated_distance.sizes), bool(found.basin_share.sum() <= 1)
    ({'snapshot': 1, 'start': 40, 'example': 5}, True)
    """
    held = None if starts is None else np.asarray(starts)
    return SnapshotMeasure(_IteratedMaps(held, _steps(steps), float(number("within", within, 0))), _VARIABLES)


def _steps(steps: Any) -> int:
    return whole("steps", steps, 0)


@dataclass(frozen=True, eq=False)
class _IteratedMaps:
    """The settings of the measure, as a function of one snapshot."""

    starts: np.ndarray | None
    steps: int
    within: float

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        starts = snapshot.test.x if self.starts is None else self.starts
        end, examples = _flat(iterate(snapshot, starts, self.steps)), _flat(snapshot.train.x)
        distance = _distances(end, examples)
        share = (distance <= self.within).mean(0) if len(end) else np.full(len(examples), np.nan)
        return {"iterated_end": end, "iterated_distance": distance, "basin_share": share}, {}


def _flat(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


def _distances(ends: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """Euclidean distances ``float64[M, N]`` of ends ``[M, D]`` from examples ``[N, D]``; infinite from what is not finite."""
    wide = ends.astype(np.float64)
    found = np.stack([np.linalg.norm(wide - one, axis=1) for one in examples.astype(np.float64)], axis=1)
    return np.where(np.isfinite(found), found, np.inf)


def iterate(snapshot: Any, x: Any, steps: int) -> np.ndarray:
    """Apply the network of a snapshot to inputs again and again.

    Parameters
    ----------
    snapshot
        A `memjax.Snapshot` of a network that gives back its inputs.
    x
        Inputs ``[M, ...]`` in the shape of the run's inputs.
    steps
        Number of applications; none gives the inputs.

    Returns
    -------
    ndarray
        The inputs after ``steps`` applications, ``float[M, ...]``.

    Raises
    ------
    InputError
        If outputs are not as many as inputs, ``x`` has another shape than the run's inputs, or ``steps`` is not a whole number
        of at least 0.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(
    ...     task=mj.tasks.SparseFeatures(num_features=6), model=mj.models.Autoencoder(hidden=3), loss="mse",
    ...     train_size=5, steps=20, snapshots=(20,),
    ... )
    >>> snapshot = next(mj.snapshots(mj.sweep(spec)))
    >>> once = iterate(snapshot, snapshot.train.x, 1)
    >>> once.shape, bool(np.allclose(once, snapshot.outputs(snapshot.train.x)))
    ((5, 6), True)
    """
    inputs = snapshot.train.x
    found = np.asarray(x, dtype=inputs.dtype)
    if found.shape[1:] != inputs.shape[1:] or found.ndim != inputs.ndim:
        raise InputError(
            f"The starts have the shape {list(found.shape)}, but an input of the run has {list(inputs.shape[1:])}: give "
            f"[M, {', '.join(map(str, inputs.shape[1:]))}]."
        )
    check_reconstructs("iterate", snapshot, found)
    params = jax.tree.map(jnp.asarray, snapshot.params)
    model, count = snapshot.model, _steps(steps)
    if not len(found):
        return found
    with jax.default_matmul_precision(product_precision()):
        ends = _iterated(without_numbers(model), traced_values(model), params, jnp.asarray(found), count)
    return np.asarray(ends)


@functools.partial(jax.jit, static_argnums=0)
def _iterated(model: Any, numbers: Any, params: Any, x: Array, steps: Array) -> Array:
    apply = flat_map(model, numbers, params, x.shape[1:])
    step = lambda _, rows: apply(rows).astype(rows.dtype)  # noqa: E731
    ends: Array = jax.lax.fori_loop(0, steps, step, x.reshape(len(x), -1))
    return ends.reshape(x.shape)
