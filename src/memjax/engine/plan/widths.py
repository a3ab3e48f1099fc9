"""Classes of runs: one tile width each, or one size each, where another class saves more than its compile time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from memjax.engine.plan.cost import candidate_widths

__all__ = ["LEAST_SAVED", "Seconds", "size_classes", "width_classes"]

LEAST_SAVED = 1.5
"""Seconds on one lane that another tile width must save: a little more than a compile."""

_MOST_CHOICES = 16

Seconds = Callable[[np.ndarray, int, int], np.ndarray]
"""Estimated seconds ``[R]`` of runs, from their sizes ``[R, 2]``, the tile width, and the number of runs in a block."""


def width_classes(sizes: np.ndarray, cores: int, seconds: Seconds) -> list[tuple[slice, int]]:
    """Divide runs into parts with one tile width each; a part is divided further if that saves more than a compile.

    Parameters
    ----------
    sizes
        Train and test examples ``[R, 2]`` of the runs, largest first.
    cores
        Number of cores per run.
    seconds
        The cost model.

    Examples
    --------
    >>> width_classes(np.array([[50, 50], [50, 50]]), 1, lambda sizes, width, block: sizes[:, 0] / width)
    [(slice(0, 2, None), 64)]
    """
    return _classes(sizes, slice(0, len(sizes)), lambda part: _best_width(part, cores, seconds), 1)


def size_classes(sizes: np.ndarray, width: int, seconds: Seconds) -> list[tuple[slice, int]]:
    """Divide runs into parts in which every run is given as many tiles of one width as the largest run needs.

    Parameters
    ----------
    sizes
        Train and test examples ``[R, 2]`` of the runs, largest first.
    width
        Examples in a tile.
    seconds
        The cost model.

    Examples
    --------
    >>> size_classes(np.array([[50, 9], [40, 9]]), 16, lambda sizes, width, block: sizes[:, 0] / width)
    [(slice(0, 2, None), 16)]
    """
    return _classes(sizes, slice(0, len(sizes)), lambda part: (_even_seconds(part, width, seconds), width), 2)


def _even_seconds(sizes: np.ndarray, width: int, seconds: Seconds) -> float:
    """Seconds on one lane of runs that are all as large as the largest."""
    most = -(-sizes.max(0, keepdims=True) // width) * width
    return len(sizes) * float(seconds(most, width, len(sizes))[0])


Best = Callable[[np.ndarray], tuple[float, int]]


def _classes(sizes: np.ndarray, part: slice, best: Best, by: int) -> list[tuple[slice, int]]:
    """Cut a part in two at the cheapest place, if that saves time, and then each half in the same way.

    Places to cut are those where the train size changes, or with ``by`` = 2 either size.
    """
    whole, width = best(sizes[part])
    cuts = _spread(part.start + 1 + np.flatnonzero(np.diff(sizes[part, :by], axis=0).any(1)))
    halves = [(slice(part.start, cut), slice(cut, part.stop)) for cut in cuts]
    costs = [sum(best(sizes[half])[0] for half in pair) for pair in halves]
    if not costs or min(costs) + LEAST_SAVED >= whole:
        return [(part, width)]
    return [found for half in halves[int(np.argmin(costs))] for found in _classes(sizes, half, best, by)]


def _best_width(sizes: np.ndarray, cores: int, seconds: Seconds) -> tuple[float, int]:
    """The best tile width for runs of ``sizes[R, 2]``, and the seconds on one lane with that width, seconds first."""
    unique, times = np.unique(sizes, axis=0, return_counts=True)
    # Runs with fresh examples have no train set: their records go through the test set alone.
    counts = np.where(unique[:, 0] > 0, unique[:, 0], np.maximum(unique[:, 1], 1))
    widths = candidate_widths(_spread(np.unique(counts)), cores)
    return min((float(times @ seconds(unique, width, 1)), width) for width in widths)


def _spread(values: np.ndarray) -> list[int]:
    """A few evenly spaced values: a sweep over a thousand sizes need not try a thousand widths."""
    if not len(values):
        return []
    places = np.linspace(0, len(values) - 1, min(len(values), _MOST_CHOICES))
    return [int(values[round(place)]) for place in places]
