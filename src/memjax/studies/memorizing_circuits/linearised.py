"""Networks that are linearised at their initial state: the order of points that the initial tangent kernel predicts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree

from memjax import losses
from memjax.measure import measure
from memjax.results.snapshots import Snapshot
from memjax.studies.memorizing_circuits.order import by_start, learning_times
from memjax.types import Array

__all__ = ["answers", "linear_times"]


def answers(snapshot: Snapshot, rate: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Descent on all points of the network that is linear in its parameters and touches the network at a snapshot.

    The outputs are ``f(x) + df/dw(x) (w - w0)``. A step of descent on the mean loss moves them by the tangent kernel at ``w0``
    times the gradient of the loss in the outputs (Jacot et al. 2018, arXiv:1806.07572; Lee et al. 2019, arXiv:1902.06720).

    Parameters
    ----------
    snapshot
        The network; its loss and its train points are used.
    rate, steps
        Learning rate, and number of steps.

    Returns
    -------
    tuple
        Whether every point is right before each step and at the end, ``bool[steps + 1, N]``, and the outputs at the end,
        ``float32[N, C]``.
    """
    params = jax.tree.map(jnp.asarray, snapshot.params)
    loss = losses.get(snapshot.experiment.loss)
    right, outputs = _descended(snapshot.model, loss, steps, rate, params, *map(jnp.asarray, snapshot.train))
    return np.asarray(right), np.asarray(outputs)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _descended(
    model: Any, loss: Callable[..., Array], steps: int, rate: Array, params: Any, x: Array, y: Array
) -> tuple[Array, Array]:
    flat, tree = ravel_pytree(params)
    start, push = jax.linearize(lambda at: model.apply(tree(at), x), flat)
    pull = jax.linear_transpose(push, flat)
    slope = jax.grad(lambda outputs: loss(outputs, y).mean())

    def step(moved: Array, _: None) -> tuple[Array, Array]:
        outputs = start + push(moved)
        return moved - rate * pull(slope(outputs))[0], outputs.argmax(-1) == y

    moved, right = jax.lax.scan(step, jnp.zeros_like(flat), None, length=steps)
    last = start + push(moved)
    return jnp.concatenate([right, (last.argmax(-1) == y)[None]]), last


def linear_times(runs: xr.Dataset, *, rate: float) -> xr.Dataset:
    """`learning_times` of the linearised networks ``(seed, start, example)``, at the records of a sweep with snapshots at 0."""
    records = runs["example_step"].values

    def of_network(snapshot: Snapshot) -> dict[str, Any]:
        right, _ = answers(snapshot, rate, int(records[-1]))
        places = np.argsort(np.asarray(snapshot.train_rows))
        found = learning_times(right[np.ix_(records, places)], records)
        return {name: (("example",), one) for name, one in found.items()}

    seeds, orders = runs["seed"].values, runs["batch_seed"].values
    # The order of the batches plays no part, so that one network of every initial state is enough.
    first = np.array([order == orders[seeds == seed].min() for seed, order in zip(seeds, orders, strict=True)])
    found = measure(runs.isel(seed_init_seed_batch_seed=np.flatnonzero(first)).sel(snapshot=[0]), [of_network])
    found = found.isel(snapshot=0, drop=True)
    return xr.Dataset({name: by_start(found[name]).isel(order=0) for name in ("first", "lasting")})
