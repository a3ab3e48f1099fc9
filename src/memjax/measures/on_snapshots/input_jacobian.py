"""How a network that gives back its inputs stretches the neighbourhood of every example: its input Jacobian."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import one_of
from memjax.errors import InputError
from memjax.fields import traced_values, without_numbers
from memjax.jax_settings import product_precision
from memjax.measures.on_snapshots.reconstruction import check_reconstructs, flat_map
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.types import Array

__all__ = ["input_jacobian", "jacobians"]

_VARIABLES = {
    "jacobian_radius": Variable("largest |eigenvalue| of the input Jacobian", dims=("example",)),
    "jacobian_norm": Variable("largest singular value of the input Jacobian", dims=("example",)),
}
# Beyond this width one matrix takes 64 MB, and its eigenvalues take minutes.
_WIDEST = 4096
# Numbers of all matrices that are held at once.
_HELD = 2**24


def input_jacobian(split: str = "train") -> SnapshotMeasure:
    """Spectral radius and norm of d output / d input at every example, to be taken on snapshots by `memjax.measure`.

    For networks that give back their inputs, f(x) = x. An example x is an attractor of the iteration x, f(x), f(f(x)), ... if
    f(x) = x and the largest ``|eigenvalue|`` of the Jacobian at x is below 1 (A. Radhakrishnan, M. Belkin and C. Uhler,
    "Overparameterized neural networks implement associative memory", 2020, arXiv:1909.12362). A linear autoencoder has
    eigenvalue 1 along its data, and a ReLU network without biases, for which f(x) is the Jacobian times x, has it at every
    example that it gives back. Neither has attractors.

    Parameters
    ----------
    split
        ``train`` or ``test``: at which examples.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``jacobian_radius``, the largest ``|eigenvalue|``, and ``jacobian_norm``, the largest
        singular value, ``float64[example]``, in the order of the run's examples. The Jacobian is exact; NaN where
        it is not finite.

    Raises
    ------
    InputError
        If the split is neither; when taken, if outputs are not as many as inputs, inputs are no floats, or an input has more
        than 4096 numbers.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(
    ...     task=mj.tasks.SparseFeatures(num_features=6), model=mj.models.Autoencoder(hidden=3), loss="mse",
    ...     train_size=5, steps=20, snapshots=(0, 20),
    ... )
    >>> found = mj.measure(mj.sweep(spec, over={"seed": [0, 1]}), [input_jacobian()])
    >>> dict(found.jacobian_radius.sizes), bool((found.jacobian_radius <= found.jacobian_norm + 1e-6).all())
    ({'seed': 2, 'snapshot': 2, 'example': 5}, True)
    """
    return SnapshotMeasure(_InputJacobian(one_of("split", split, ("train", "test"))), _VARIABLES)


@dataclass(frozen=True)
class _InputJacobian:
    """The settings of the measure, as a function of one snapshot."""

    split: str

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        x = getattr(snapshot, self.split).x
        size = x[0].size if len(x) else 0
        held = max(1, _HELD // max(1, size**2))
        parts = [_largest(jacobians(snapshot, x[at : at + held])) for at in range(0, len(x), held)]
        radius, norm = np.concatenate([np.zeros((2, 0)), *parts], axis=1)
        return {"jacobian_radius": radius, "jacobian_norm": norm}, {}


def jacobians(snapshot: Any, x: np.ndarray) -> np.ndarray:
    """Jacobians ``float32[N, D, D]`` of flat outputs in flat inputs at inputs ``x[N, ...]`` of D numbers each.

    Raises
    ------
    InputError
        As `input_jacobian`.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(
    ...     task=mj.tasks.SparseFeatures(num_features=6), model=mj.models.MLP(hidden=(), bias=False), loss="mse",
    ...     train_size=5, steps=10, snapshots=(10,),
    ... )
    >>> snapshot = next(mj.snapshots(mj.sweep(spec)))
    >>> found = jacobians(snapshot, snapshot.train.x)
    >>> found.shape, bool(np.allclose(found, snapshot.params["layer_0"]["kernel"].T))
    ((5, 6, 6), True)
    """
    check_reconstructs("input_jacobian", snapshot, x)
    size = int(np.prod(x.shape[1:]))
    if size > _WIDEST:
        raise InputError(
            f"input_jacobian makes a matrix of {size} x {size} for every example, but takes at most {_WIDEST} numbers per "
            "input: give smaller inputs, such as images of fewer pixels."
        )
    params = jax.tree.map(jnp.asarray, snapshot.params)
    model = snapshot.model
    with jax.default_matmul_precision(product_precision()):
        return np.asarray(_jacobians(without_numbers(model), traced_values(model), params, jnp.asarray(x)))


@functools.partial(jax.jit, static_argnums=0)
def _jacobians(model: Any, numbers: Any, params: Any, x: Array) -> Array:
    apply = flat_map(model, numbers, params, x.shape[1:])
    one = jax.jacrev(lambda row: apply(row[None])[0])
    found: Array = jax.lax.map(one, x.reshape(len(x), -1))
    return found


def _largest(matrices: np.ndarray) -> np.ndarray:
    """Largest ``|eigenvalue|`` and largest singular value of matrices ``[N, D, D]``, ``float64[2, N]``."""
    known = np.isfinite(matrices).all((1, 2))
    filled = np.where(known[:, None, None], matrices, 0).astype(np.float64)
    found = np.abs(np.linalg.eigvals(filled)).max(1), np.linalg.norm(filled, 2, axis=(1, 2))
    return np.where(known, found, np.nan)
