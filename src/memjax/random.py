"""Random numbers on the host: one independent stream per seed and purpose.

A stream is read in order, so a shorter draw is the beginning of a longer one: that is what makes train sets nested.
Nothing here compiles, and the numbers are the same on every device and in every company.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["PAD", "batch_order", "generator", "key_data"]

PAD = -1
"""Row of a minibatch that is padding."""


def _sequence(seed: int, purpose: str) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Counter-based generator (Philox) for one seed and one named purpose.

    Examples
    --------
    >>> long, short = (generator(7, "inputs").standard_normal((n, 2)) for n in (5, 3))
    >>> bool((long[:3] == short).all())
    True
    """
    return np.random.Generator(np.random.Philox(_sequence(seed, purpose)))


def key_data(seed: int, purpose: str) -> np.ndarray:
    """Raw threefry key ``uint32[2]`` for one seed and one named purpose.

    Examples
    --------
    >>> key_data(0, "init").shape
    (2,)
    """
    return _sequence(seed, purpose).generate_state(2, np.uint32)


def batch_order(runs: Sequence[Any], width: int, start: int, stop: int) -> np.ndarray:
    """Rows that each step trains on, in epochs without replacement; the order follows from the data seed alone.

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
        ``int32[stop - start, R, B]``, `PAD` where the last batch of an epoch has fewer examples.
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
