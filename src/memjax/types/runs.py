"""What a user can say about runs: subsets, penalties, conditions that stop, the best network, and estimators of snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np

from memjax.types.data import Array, Params

__all__ = ["Best", "Condition", "Estimator", "Penalty", "Subset", "Trained", "Trainer"]


@runtime_checkable
class Condition(Protocol):
    """A condition that stops a run, such as those of `memjax.stopping`: a frozen dataclass of pure functions of one run."""

    variable: str

    def begin(self) -> Any:
        """Memory before the first record, a tree of numbers; it hangs on no field that can be swept."""

    def met(self, value: Array, memory: Any) -> tuple[Array, Any]:
        """Whether a run stops at a record with this value of its variable, and the memory after the record."""


@runtime_checkable
class Penalty(Protocol):
    """A function of the parameters that training adds to the loss, such as those of `memjax.penalties`: a frozen dataclass.

    ``__call__`` may ask for more by keyword-only arguments: ``model``, ``apply`` (parameters and inputs to outputs), and
    ``initial`` (the initial parameters of the run). Numbers that are marked with `memjax.traced` can be swept.
    """

    def __call__(self, params: Params, **asked: Any) -> Array:
        """Value of the penalty, one real number, in units of the loss."""
        ...


@runtime_checkable
class Best(Protocol):
    """A choice of the best network of a run, such as those of `memjax.stopping`: a frozen dataclass.

    No function is asked whether NaN is better: a network whose variable is NaN is never kept.
    """

    variable: str

    def better(self, value: Array, best: Array) -> Array:
        """Whether the value of the variable at a record, a number, is better than the best one before it."""


@runtime_checkable
class Subset(Protocol):
    """A choice of rows of a data set, such as those of `memjax.subsets`: a frozen dataclass whose fields can be swept."""

    def size(self, num_rows: int, seed: int) -> int:
        """Number of chosen rows, of ``num_rows``; the seed is that of the subset."""

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows among those of the data set; a row may be chosen several times.

        ``rows`` has the number of every row, ``int[N]``: its index in the task's pool, or its place in the draw. ``targets``
        are ``[N, ...]``, and ``seed`` is that of the subset.
        """
        ...


class Trained(NamedTuple):
    """The result of one run.

    Attributes
    ----------
    records
        Arrays ``[K, ...]`` by variable.
    finished
        Whether the run reached its last step with finite numbers.
    """

    records: dict[str, Any]
    finished: bool


Trainer: TypeAlias = Callable[[Sequence[Any]], Sequence[Trained]]
"""Trains a list of `memjax.Experiment` as one packed batch, and returns their results in order."""


@runtime_checkable
class Estimator(Protocol):
    """An estimator for all snapshots at once, such as `memjax.measures.llc`: it trains one packed batch for all of them."""

    def on_all(self, snapshots: Sequence[Any], train: Trainer) -> Sequence[Mapping[str, Any]]:
        """Values of every `memjax.Snapshot`, by name: numbers, pairs ``(dims, array)`` or DataArrays."""
        ...
