"""The order of the minibatches: which rows of a run each step trains on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from memjax.random.many_streams import generators

__all__ = ["PAD", "batch_order", "copy_of", "orders", "places_of"]

PAD = -1
"""Index that marks a padding row of a minibatch."""


def batch_order(
    runs: Sequence[Any], width: int, start: int, stop: int, chosen: Sequence[np.ndarray | None] | None = None
) -> np.ndarray:
    """Rows of the minibatch of each step, in epochs without replacement; the order follows from the batch seed alone.

    An epoch orders the whole data set. A run on a subset leaves out the other rows, so that runs with the same batch seed go
    through the rows that they share in the same order. The second copy of a row has a place of its own.

    Parameters
    ----------
    runs
        Experiments R of a block.
    width
        Examples per step B.
    start, stop
        Range of steps.
    chosen
        Positions in the data set of the train examples of every run, with a subset; None where a run has none.

    Returns
    -------
    np.ndarray
        ``int32[stop - start, R, B]``; `PAD` fills the last batch of an epoch if it has fewer examples.
    """
    found = np.empty((stop - start, len(runs), width), np.int32)
    epochs = [_epochs(run, width, start, stop) for run in runs]
    own = [(run.batch_key, f"batch order {epoch}") for run, some in zip(runs, epochs, strict=True) for epoch in some]
    waiting = generators(own)
    for place, (run, some) in enumerate(zip(runs, epochs, strict=True)):
        orders = _epoch_orders(run, None if chosen is None else chosen[place], waiting)
        found[:, place] = _run_order(run, width, start, stop, some, orders)
    return found


def orders(runs: Sequence[Any]) -> tuple[list[int], np.ndarray]:
    """Runs with the same batch seed and train set go through the same minibatches: the first run of each order, by place.

    Returns
    -------
    tuple
        Places of those D runs, and the order of every run among them, ``int32[R]``.

    Examples
    --------
    >>> from memjax.experiment import Experiment
    >>> orders([Experiment(data_seed=seed, init_seed=place) for place, seed in enumerate([5, 5, 7])])
    ([0, 2], array([0, 0, 1], dtype=int32))
    """
    known: dict[tuple[Any, ...], int] = {}
    of_run = [known.setdefault(_order_key(run), len(known)) for run in runs]
    first: list[int] = np.unique(of_run, return_index=True)[1].tolist()
    return first, np.array(of_run, np.int32)


def _order_key(run: Any) -> tuple[Any, ...]:
    size = run.sizes()[0]
    if run.subset is None:
        return run.batch_key, size
    # Which rows a subset chooses may hang on their numbers and targets, and so on the task and the data seed.
    return run.batch_key, size, run.subset, run.subset_key, run.data_key, run.data_sizes(), id(run.task)


def _per_epoch(run: Any, width: int) -> int:
    return -(-run.sizes()[0] // width)


def _epochs(run: Any, width: int, start: int, stop: int) -> range:
    """The epochs in which a range of steps lies."""
    return range(start // _per_epoch(run, width), -(-stop // _per_epoch(run, width)))


def _epoch_orders(
    run: Any, chosen: np.ndarray | None, generators: Iterator[np.random.Generator]
) -> Iterator[np.ndarray]:
    """Order ``int[n]`` of the train examples of a run in each epoch."""
    assert (chosen is None) == (run.subset is None)
    if chosen is None:
        return (one.permutation(run.sizes()[0]) for one in generators)
    places, count = places_of(chosen, run.data_sizes()[0])
    place = np.full(count, PAD)
    place[places] = np.arange(len(chosen))
    return ((order := place[one.permutation(len(place))])[order != PAD] for one in generators)


def places_of(chosen: np.ndarray, rows: int) -> tuple[np.ndarray, int]:
    """Place of each train example of a subset among all rows and their copies, and the number of these places.

    Examples
    --------
    >>> places, count = places_of(np.array([4, 1, 4]), 5)
    >>> places.tolist(), count
    ([4, 1, 9], 10)
    """
    copies = copy_of(chosen)
    return copies * rows + chosen, rows * (1 + int(copies.max()))


def copy_of(chosen: np.ndarray) -> np.ndarray:
    """How often the row of each entry stands before it.

    Examples
    --------
    >>> copy_of(np.array([4, 7, 4, 4])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(chosen, kind="stable")
    _, first, count = np.unique(chosen[order], return_index=True, return_counts=True)
    copy = np.empty_like(order)
    copy[order] = np.arange(len(chosen)) - np.repeat(first, count)
    return copy


def _run_order(run: Any, width: int, start: int, stop: int, epochs: range, orders: Iterator[np.ndarray]) -> np.ndarray:
    count, per_epoch = run.sizes()[0], _per_epoch(run, width)
    rows = np.full((len(epochs), per_epoch * width), PAD, np.int32)
    for row in rows:
        row[:count] = next(orders)
    skipped = epochs.start * per_epoch
    return rows.reshape(-1, width)[start - skipped : stop - skipped]
