# Measures to copy. In a project of your own: put the file anywhere, and add no line elsewhere.
# In memjax: copy it to src/memjax/measures/predictions.py, and add to src/memjax/measures/__init__.py the import and the names:
#     from memjax.measures.predictions import boundary_distance, output_entropy, prediction_information
#     "boundary_distance", "output_entropy", "prediction_information",  in __all__
#     output_entropy, prediction_information,  in BUILT_IN, which gives a recorded measure its name in text
"""How sure the predictions are, how much they differ between examples, and how far examples lie from changing theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from memjax.checks import one_of
from memjax.errors import InputError
from memjax.examples import Examples, Tile
from memjax.measures.measure import Measure
from memjax.precision import wide
from memjax.types import Apply, Array, Params

__all__ = ["boundary_distance", "output_entropy", "prediction_information"]


def _entropy(probabilities: Array) -> Array:
    return jax.scipy.special.entr(probabilities).sum(-1)


# 1. A recorded measure per example: a value for each row of a tile, which memjax averages over a split.


def _output_entropy(params: Params, apply: Apply, examples: Tile) -> Array:
    return _entropy(jax.nn.softmax(wide(apply(params, examples.x))))


output_entropy = Measure(
    _output_entropy,
    "output_entropy",
    per_example=True,
    splits=("train", "test"),
    long_name="mean entropy of the predicted class",
    units="nats",
)
"""Mean over a split of the entropy of softmax(f(x)): ln C where the network is undecided, 0 where it is sure."""


# 2. A recorded measure of all examples: what is no mean over examples, but is computed from such means.


def _prediction_information(params: Params, apply: Apply, examples: Examples) -> Array:
    def part(tile: Tile) -> tuple[Array, Array]:
        shares = jax.nn.softmax(wide(apply(params, tile.x)))
        # tile.sum leaves the padding out of values [B]; of any other shape, the mask has to do it.
        return jnp.where(tile.mask[:, None], shares, 0).sum(0), tile.sum(_entropy(shares))

    shares, entropies = examples.sum(part)
    return _entropy(shares / examples.size) - entropies / examples.size


prediction_information = Measure(
    _prediction_information,
    "prediction_information",
    splits=("train", "test"),
    long_name="information of an example about its predicted class",
    units="nats",
)
"""Mutual information of example and predicted class, H(mean of p) - mean of H(p): 0 where all examples have one prediction.

The logarithm of the inception score (T. Salimans et al., "Improved techniques for training GANs", 2016); at most ln C.
"""


# 3. A measure of a snapshot: a function on the host, for what has a value for every example or cannot be computed in a tile.


def boundary_distance(split: str = "test") -> Callable[[Any], dict[str, xr.DataArray]]:
    """Distance of every example from the decision boundary, to first order, to be taken on snapshots by `memjax.measure`.

    The least over classes c of (f_y - f_c) / |d(f_y - f_c) / dx|, where y is the predicted class (S.-M. Moosavi-Dezfooli et
    al., "DeepFool", 2016, algorithm 2, one step). It is exact for a linear network.

    Parameters
    ----------
    split
        ``train`` or ``test``: of which examples.

    Returns
    -------
    Callable
        From a `memjax.Snapshot` to ``boundary_distance``, ``(example,)``, in the order of the run's examples; infinite where
        no class has a gradient that differs from the predicted one's.

    Raises
    ------
    InputError
        If the split is neither; when it is taken, if inputs are no floats or there are fewer than two outputs.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(6,)), train_size=50, steps=20, snapshots=(0, 20))
    >>> found = mj.measure(mj.sweep(spec, over={"seed": [0, 1]}), [boundary_distance(), output_entropy])
    >>> dict(found.boundary_distance.sizes), bool((found.boundary_distance >= 0).all())
    ({'seed': 2, 'snapshot': 2, 'example': 50}, True)
    """
    return _BoundaryDistance(one_of("split", split, ("train", "test")))


@dataclass(frozen=True)
class _BoundaryDistance:
    """The function of one snapshot: an object that shows its settings."""

    split: str

    def __call__(self, snapshot: Any) -> dict[str, xr.DataArray]:
        x = getattr(snapshot, self.split).x
        if not np.issubdtype(x.dtype, np.floating) or snapshot.experiment.task.num_outputs < 2:
            raise InputError(
                f"boundary_distance needs inputs that can be moved and at least two classes, but the inputs are {x.dtype} and "
                f"there are {snapshot.experiment.task.num_outputs} outputs: use a task of classes whose inputs are floats."
            )
        distances = np.asarray(_distances(snapshot.outputs, jnp.asarray(x)))
        about = {"long_name": "distance from the decision boundary, to first order", "units": "1"}
        return {"boundary_distance": xr.DataArray(distances, dims=("example",), attrs=about)}


def _distances(outputs: Callable[[Array], Array], x: Array) -> Array:
    """Distances ``[N]`` of inputs ``x[N, ...]``, some at a time, for each takes C gradients."""

    def distance(row: Array) -> Array:
        one = lambda row: wide(outputs(row[None]))[0]  # noqa: E731
        values, slopes = one(row), jax.jacrev(one)(row)
        chosen = values.argmax()
        gaps = values[chosen] - values
        lengths = jnp.linalg.norm((slopes[chosen] - slopes).reshape(len(values), -1), axis=1)
        other = (jnp.arange(len(values)) != chosen) & (lengths > 0)
        return jnp.where(other, gaps / jnp.where(other, lengths, 1), jnp.inf).min()

    return jax.jit(lambda x: jax.lax.map(distance, x, batch_size=256))(x)
