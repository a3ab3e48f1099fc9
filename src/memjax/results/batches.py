"""Batches of snapshots of one structure, small enough to be measured at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax

from memjax.engine.plan.budget import default_budget
from memjax.engine.program.program import model_of
from memjax.experiment import Experiment
from memjax.fields import without_numbers
from memjax.measures.arrays.cores import num_cores
from memjax.results.runs import Network
from memjax.results.snapshots import Loader, Snapshot

__all__ = ["batches"]

# Bytes of all values of a forward pass of all examples of a batch, of which a measure holds a part at a time. A batch has a
# network for every core if a share of the budget allows it; beyond these bytes, and beyond some dozens of networks, a larger
# batch saves no more time.
_BATCH_BYTES = 256 * 2**20
_SHARE = 0.25
_MOST = 64


def batches(networks: Sequence[Network]) -> Iterator[tuple[list[int], list[Snapshot]]]:
    """Snapshots of all networks, those of one structure together.

    Parameters
    ----------
    networks
        Networks, those of one run one after another.

    Yields
    ------
    tuple
        Places of some networks, and their snapshots. The snapshots of a batch have models that are equal up to traced
        numbers, equal tasks, and equal numbers of train and of test examples.
    """
    load, row_bytes = Loader(), {}
    budget = int(_SHARE * default_budget())
    for (*structure, (train_size, test_size)), places in _alike(networks).items():
        if tuple(structure) not in row_bytes:
            row_bytes[tuple(structure)] = _row_bytes(load(networks[places[0]]))
        held = (train_size + test_size) * row_bytes[tuple(structure)]
        held = max(1, held)
        count = max(1, min(_MOST, budget // held, max(num_cores(), _BATCH_BYTES // held)))
        for start in range(0, len(places), count):
            some = places[start : start + count]
            yield some, [load(networks[place]) for place in some]


def _alike(networks: Sequence[Network]) -> dict[Any, list[int]]:
    """Places of networks by their structure, in order of appearance."""
    found: dict[Any, list[int]] = {}
    last: tuple[Experiment | None, Any] = None, None
    for place, network in enumerate(networks):
        if network.experiment is not last[0]:
            last = network.experiment, _structure(network.experiment)
        found.setdefault(last[1], []).append(place)
    return found


def _structure(experiment: Experiment) -> tuple[Any, Any, tuple[int, int]]:
    """What the networks of a batch share: model, task and sizes; a part without a hash is equal only to itself."""
    model = without_numbers(model_of(experiment))
    return _key(model, experiment.model), _key(experiment.task, experiment.task), experiment.sizes()


def _key(part: Any, whole: Any) -> Any:
    try:
        hash(part)
    except TypeError:
        return id(whole)
    return part


def _row_bytes(snapshot: Snapshot) -> int:
    """Bytes of one example and of all values of its forward pass, as if none were fused or freed."""
    row = (snapshot.train.x if len(snapshot.train.x) else snapshot.test.x)[:1]
    values = jax.make_jaxpr(snapshot.model.apply)(snapshot.params, row).jaxpr.eqns
    shapes = [out.aval for equation in values for out in equation.outvars]
    return int(row.nbytes + sum(math.prod(shape.shape) * shape.dtype.itemsize for shape in shapes)) or 1
