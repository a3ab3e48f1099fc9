"""The order of the minibatches: which rows of a run each step trains on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from memjax.random.many_streams import generators

__all__ = ["PAD", "batch_order", "orders"]

PAD = -1
"""Index that marks a padding row of a minibatch."""


def batch_order(runs: Sequence[Any], width: int, start: int, stop: int) -> np.ndarray:
    """Rows of the minibatch of each step, in epochs without replacement; the order follows from the data seed alone.

    Parameters
    ----------
    runs
        Experiments R of a block.
    width
        Examples per step B.
    start, stop
        Range of steps.

    Returns
    -------
    np.ndarray
        ``int32[stop - start, R, B]``; `PAD` fills the last batch of an epoch if it has fewer examples.
    """
    found = np.empty((stop - start, len(runs), width), np.int32)
    epochs = [_epochs(run, width, start, stop) for run in runs]
    own = [(run.data_key, f"batch order {epoch}") for run, some in zip(runs, epochs, strict=True) for epoch in some]
    waiting = generators(own)
    for place, (run, some) in enumerate(zip(runs, epochs, strict=True)):
        found[:, place] = _run_order(run, width, start, stop, some, waiting)
    return found


def orders(runs: Sequence[Any]) -> tuple[list[int], np.ndarray]:
    """Runs with the same data seed and train size go through the same minibatches: the first run of each order, by place.

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
    known: dict[tuple[int, int], int] = {}
    of_run = [known.setdefault((run.data_key, run.sizes()[0]), len(known)) for run in runs]
    first: list[int] = np.unique(of_run, return_index=True)[1].tolist()
    return first, np.array(of_run, np.int32)


def _per_epoch(run: Any, width: int) -> int:
    return -(-run.sizes()[0] // width)


def _epochs(run: Any, width: int, start: int, stop: int) -> range:
    """The epochs in which a range of steps lies."""
    return range(start // _per_epoch(run, width), -(-stop // _per_epoch(run, width)))


def _run_order(
    run: Any, width: int, start: int, stop: int, epochs: range, generators: Iterator[np.random.Generator]
) -> np.ndarray:
    count, per_epoch = run.sizes()[0], _per_epoch(run, width)
    rows = np.full((len(epochs), per_epoch * width), PAD, np.int32)
    for row in rows:
        row[:count] = next(generators).permutation(count)
    skipped = epochs.start * per_epoch
    return rows.reshape(-1, width)[start - skipped : stop - skipped]
