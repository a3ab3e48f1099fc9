"""Poisson batches: every step takes every train example with one probability, whatever the other examples and steps do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from memjax.random.many_streams import generators
from memjax.random.minibatches import PAD, places_of

__all__ = ["poisson_batches", "room_for"]

# Steps that share a stream of random numbers: a stream of its own takes longer to start than a step's numbers to draw.
_CHUNK = 32
_TOO_MANY = 1e-15


def room_for(expected: int) -> int:
    """Number of places for a batch of ``expected`` examples in the mean: more are needed in one of 10^15 steps.

    Examples
    --------
    >>> room_for(64), room_for(600)
    (144, 808)
    """
    # Half a second to import, which `import memjax` should not take.
    from scipy.stats import poisson

    return -8 * (-(int(poisson.isf(_TOO_MANY, expected)) + 1) // 8)


def poisson_batches(
    runs: Sequence[Any], width: int, start: int, stop: int, chosen: Sequence[np.ndarray | None] | None = None
) -> np.ndarray:
    """Rows of the batch of each step, where each of N train examples has the probability ``batch_size / N``.

    What a step takes follows from the batch seed alone. Every row of the data set has a number in every step, and the rows with
    a small number are taken; a run on a subset leaves out the other rows.

    Parameters
    ----------
    runs
        Experiments R of a block.
    width
        Room B of a batch, of `room_for`.
    start, stop
        Range of steps.
    chosen
        Positions in the data set of the train examples of every run, with a subset; None where a run has none.

    Returns
    -------
    np.ndarray
        ``int32[stop - start, R, B]``, filled up with `PAD`.

    Raises
    ------
    RuntimeError
        If a batch has no room.
    """
    found = np.full((stop - start, len(runs), width), PAD, np.int32)
    chunks = range(start // _CHUNK, -(-stop // _CHUNK))
    streams = generators([(run.batch_key, f"poisson batches {chunk}") for run in runs for chunk in chunks])
    for place, run in enumerate(runs):
        own = None if chosen is None else chosen[place]
        for chunk in chunks:
            first, last = max(start, chunk * _CHUNK), min(stop, (chunk + 1) * _CHUNK)
            taken = _taken(run, own, next(streams))[first - chunk * _CHUNK : last - chunk * _CHUNK]
            found[first - start : last - start, place] = _padded(taken, width)
    return found


def _taken(run: Any, chosen: np.ndarray | None, stream: np.random.Generator) -> np.ndarray:
    """Whether each step of a chunk takes each train example, ``bool[steps, N]``."""
    size = run.sizes()[0]
    places, count = (np.arange(size), size) if chosen is None else places_of(chosen, run.data_sizes()[0])
    return stream.random((_CHUNK, count))[:, places] < run.batch_size / size


def _padded(taken: np.ndarray, width: int) -> np.ndarray:
    """Rows ``int32[steps, width]`` that are taken, in order and filled up."""
    sizes = taken.sum(1)
    if sizes.max(initial=0) > width:
        raise RuntimeError(
            f"A Poisson batch of {sizes.max()} examples does not fit its room of {width}, which happens in one of "
            f"{1 / _TOO_MANY:.0e} steps: choose another batch_seed, and please report it."
        )
    rows = np.full((len(taken), width), PAD, np.int32)
    step, row = np.nonzero(taken)
    rows[step, np.arange(len(step)) - np.repeat(np.cumsum(sizes) - sizes, sizes)] = row
    return rows
