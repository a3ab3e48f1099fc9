"""Kinds of runs: what does not depend on seeds is read once for all runs that differ in their seeds alone."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from typing import TypeVar

from memjax.experiment.experiment import Experiment

__all__ = ["once_per_kind"]

T = TypeVar("T")

# A new run has tuples of its own for its steps, which are compared by value.
_STEPS = ("snapshots", "record_at", "examples_at")
_OWN = ("seed", "data_seed", "subset_seed", "init_seed", "batch_seed", *_STEPS)
_steps = operator.attrgetter(*_STEPS)
_parts = operator.attrgetter(*(field.name for field in dataclasses.fields(Experiment) if field.name not in _OWN))


def once_per_kind(function: Callable[[Experiment], T]) -> Callable[[Experiment], T]:
    """A function of a run that reads no seed, so that it is called once for runs that have all their other parts in common.

    Examples
    --------
    >>> read = once_per_kind(lambda run: print("read") or run.sizes())
    >>> base = Experiment(train_size=5)
    >>> [read(dataclasses.replace(base, seed=seed)) for seed in range(2)]
    read
    [(5, 5), (5, 5)]
    """
    known: dict[tuple[object, ...], tuple[Experiment, T]] = {}

    def of(run: Experiment) -> T:
        # By identity, because equal numbers may differ in the sign of zero.
        kind = *map(id, _parts(run)), *_steps(run)
        if kind not in known:
            # The run keeps its parts alive: Python could give the id of a freed one to another object.
            known[kind] = run, function(run)
        return known[kind][1]

    return of
