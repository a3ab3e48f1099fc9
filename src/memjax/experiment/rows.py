"""The rows of a data set by number, and those on which a run trains."""

from __future__ import annotations

import numpy as np

from memjax.checks.values import is_user_code
from memjax.errors import InputError
from memjax.experiment.experiment import Experiment
from memjax.subsets import BalancedHalves, First, GivenRows, LeaveOut, Nested, RandomShare
from memjax.types import Data, Split, Subset

__all__ = ["chosen", "may_repeat", "of_rows", "of_run", "row_numbers"]

_ONCE = (BalancedHalves, First, GivenRows, LeaveOut, RandomShare)


def may_repeat(experiment: Experiment) -> bool:
    """Whether a row may stand more than once in the train set of a run."""
    return experiment.subset is not None and _repeats(experiment.subset)


def _repeats(subset: Subset) -> bool:
    # Only the inner one of nested subsets may repeat a row.
    return _repeats(subset.inner) if type(subset) is Nested else type(subset) not in _ONCE


def row_numbers(experiment: Experiment, data: Data) -> np.ndarray:
    """Number of every row of a data set ``data``, ``int[N]``: its index in the task's pool, or else its place in the draw."""
    return data.x if hasattr(experiment.task, "pool") else np.arange(len(data.y))


def of_run(experiment: Experiment, drawn: Split) -> Split:
    """The examples of a run: its rows of the data set that was ``drawn``, in their order, and the test set."""
    return drawn if experiment.subset is None else of_rows(drawn, chosen(experiment, drawn.train))


def of_rows(drawn: Split, places: np.ndarray) -> Split:
    """The examples at positions ``int[n]`` of a data set that was ``drawn``, and the test set."""
    return Split(Data(drawn.train.x[places], drawn.train.y[places]), drawn.test)


def chosen(experiment: Experiment, data: Data) -> np.ndarray:
    """Positions ``int[n]`` of the rows of a data set on which a run trains.

    Raises
    ------
    InputError
        If the subset names rows that are not there, leaves none, or does not keep its word.
    """
    subset = experiment.subset
    if subset is None:
        return np.arange(len(data.y))
    rows = row_numbers(experiment, data)
    places = np.asarray(subset.choose(rows, data.y, experiment.subset_key))
    if is_user_code(subset):
        _check_choice(experiment, rows, data.y, places)
    return places


def _check_choice(experiment: Experiment, rows: np.ndarray, targets: np.ndarray, places: np.ndarray) -> None:
    """Raise `InputError` where a user's subset gives other positions than its size says, or other ones each time."""
    subset, size = experiment.subset, experiment.sizes()[0]
    kind = type(subset).__name__
    if places.shape != (size,) or not np.issubdtype(places.dtype, np.integer):
        raise InputError(
            f"{kind}.choose gave {places.dtype}{list(places.shape)}, but {kind}.size says {size}: give a whole number, the "
            "place of a chosen row, for each."
        )
    if not 0 <= places.min() <= places.max() < len(rows):
        raise InputError(
            f"{kind}.choose gave places from {places.min()} to {places.max()}, but the data set has {len(rows)} rows: give "
            f"places from 0 to {len(rows) - 1}, not the numbers of the rows."
        )
    assert subset is not None
    if not np.array_equal(places, subset.choose(rows, targets, experiment.subset_key)):
        raise InputError(
            f"{kind}.choose gave other rows when it was called again: make every generator in it from the seed, such as "
            "memjax.random.generator(seed, 'subset')."
        )
