"""What a user can say about runs: subsets, penalties, conditions that stop, the best network, and estimators of snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np

from memjax.types.data import Array, Params

__all__ = ["Best", "Condition", "Estimator", "Penalty", "Subset", "Trained", "Trainer"]


@runtime_checkable
class Condition(Protocol):
    """A condition that stops a run, such as those of `memjax.stopping`: a frozen dataclass of pure functions of one run.

    Examples
    --------
    A condition of one's own, that a run has been right at ``times`` records in a row:

    >>> from dataclasses import dataclass
    >>> import jax.numpy as jnp
    >>> import memjax as mj
    >>> @dataclass(frozen=True)
    ... class Settled:
    ...     variable: str = "train_accuracy"
    ...     times: int = 2
    ...     def begin(self):
    ...         return jnp.int32(0)
    ...     def met(self, value, memory):
    ...         memory = jnp.where(value >= 1, memory + 1, 0)
    ...         return memory >= self.times, memory
    >>> mj.Experiment(stop_when=Settled()).stop_when.times
    2
    >>> memory, met = Settled().begin(), []
    >>> for accuracy in (1.0, 0.9, 1.0, 1.0):
    ...     now, memory = Settled().met(accuracy, memory)
    ...     met.append(bool(now))
    >>> met
    [False, False, False, True]
    """

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

    Examples
    --------
    A penalty of one's own, the largest weight:

    >>> from dataclasses import dataclass
    >>> import jax
    >>> import memjax as mj
    >>> @dataclass(frozen=True)
    ... class Largest:
    ...     strength: float = mj.traced(0.1)
    ...     def __call__(self, params):
    ...         return self.strength * max(abs(leaf).max() for leaf in jax.tree.leaves(params))
    >>> mj.Experiment(penalty=Largest(0.5)).penalty.strength
    0.5
    >>> float(Largest(0.5)({"kernel": jax.numpy.array([1.0, -3.0])}))
    1.5
    """

    def __call__(self, params: Params, **asked: Any) -> Array:
        """Value of the penalty, one real number, in units of the loss."""
        ...


@runtime_checkable
class Best(Protocol):
    """A choice of the best network of a run, such as those of `memjax.stopping`: a frozen dataclass.

    No function is asked whether NaN is better: a network whose variable is NaN is never kept.

    Examples
    --------
    A choice of one's own, the last network that is right about more than half of its test examples:

    >>> from dataclasses import dataclass
    >>> import memjax as mj
    >>> @dataclass(frozen=True)
    ... class LastAbove:
    ...     level: float = 0.5
    ...     variable: str = "test_accuracy"
    ...     def better(self, value, best):
    ...         return value > self.level
    >>> mj.Experiment(keep_best=LastAbove()).keep_best.better(0.6, 0.9)
    True
    """

    variable: str

    def better(self, value: Array, best: Array) -> Array:
        """Whether the value of the variable at a record, a number, is better than the best one before it."""


@runtime_checkable
class Subset(Protocol):
    """A choice of rows of a data set, such as those of `memjax.subsets`: a frozen dataclass whose fields can be swept.

    Examples
    --------
    A subset of one's own, every other row:

    >>> from dataclasses import dataclass
    >>> import memjax as mj, numpy as np
    >>> @dataclass(frozen=True)
    ... class EveryOther:
    ...     def size(self, num_rows, seed):
    ...         return -(-num_rows // 2)
    ...     def choose(self, rows, targets, seed):
    ...         return np.arange(0, len(rows), 2)
    >>> mj.Experiment(subset=EveryOther()).subset.choose(np.array([7, 3, 5]), np.zeros(3), seed=0).tolist()
    [0, 2]
    """

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

    Examples
    --------
    >>> import numpy as np
    >>> run = Trained({"train_loss": np.array([2.3, 0.4])}, finished=True)
    >>> run.records["train_loss"][-1], run.finished
    (np.float64(0.4), True)
    """

    records: dict[str, Any]
    finished: bool


Trainer: TypeAlias = Callable[[Sequence[Any]], Sequence[Trained]]
"""Trains a list of `memjax.Experiment` as one packed batch, and returns their results in order."""


@runtime_checkable
class Estimator(Protocol):
    """An estimator for all snapshots at once, such as `memjax.measures.llc`: it trains one packed batch for all of them.

    `memjax.measures.llc` makes one; ``docs/adding/measure.md`` says how to write another.
    """

    def on_all(self, snapshots: Sequence[Any], train: Trainer) -> Sequence[Mapping[str, Any]]:
        """Values of every `memjax.Snapshot`, by name: numbers, pairs ``(dims, array)`` or DataArrays."""
        ...
