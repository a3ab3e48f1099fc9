"""The order of the minibatches: which rows of a run each step trains on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from memjax.random.streams import generator

__all__ = ["PAD", "batch_order"]

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
    return np.stack([_run_order(run, width, start, stop) for run in runs], axis=1)


def _run_order(run: Any, width: int, start: int, stop: int) -> np.ndarray:
    count, _ = run.sizes()
    per_epoch = -(-count // width)
    epochs = range(start // per_epoch, -(-stop // per_epoch))
    rows = np.full((len(epochs), per_epoch * width), PAD, np.int32)
    for row, epoch in zip(rows, epochs, strict=True):
        row[:count] = generator(run.data_key, f"batch order {epoch}").permutation(count)
    skipped = epochs.start * per_epoch
    return rows.reshape(-1, width)[start - skipped : stop - skipped]
