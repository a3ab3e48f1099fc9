"""Shape letters, and the protocols of the parts that users can write: task, model, loss, measure.

Shape letters, the same in every docstring of the library:

====== =============================================
letter meaning
====== =============================================
R      runs (networks trained once)
T      tiles (fixed-width slices of one run's examples)
B      examples in a tile or a minibatch
N      examples of a split
D      input width
C      classes, or outputs of the model
P      parameters
K      records
S      snapshots
====== =============================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import jax
import numpy as np

__all__ = [
    "Apply", "Array", "Data", "Estimator", "EvaluatedTask", "FileTask", "FiniteTask", "LossFn", "Model", "NoisyTask",
    "PaddableModel", "Params", "PoolTask", "RandomModel", "SizedTask", "Split", "Subset", "Task", "TokenTask", "Trained",
    "Trainer",
]  # fmt: skip

Array: TypeAlias = jax.Array
Params: TypeAlias = Any
"""Any pytree of arrays."""

Apply: TypeAlias = Callable[[Params, Array], Array]
"""``apply(params, x[B, ...]) -> outputs[B, C]`` for one run; each row of outputs depends only on the same row of inputs."""

LossFn: TypeAlias = Callable[[Array, Array], Array]
"""``loss(outputs[B, C], targets[B, ...]) -> [B]``: one value per example, from its own row alone.

Outputs are in float32 or wider.
"""


class Data(NamedTuple):
    """Examples of one split of one run, on the host.

    Attributes
    ----------
    x
        Inputs ``[N, ...]``; for a task with a pool, integer indices ``[N]`` into the pool.
    y
        Targets: integer labels ``[N]`` or values ``[N, C]``.
    """

    x: np.ndarray
    y: np.ndarray


class Split(NamedTuple):
    """Train and test examples of one run."""

    train: Data
    test: Data


@runtime_checkable
class Task(Protocol):
    """The source of examples and their targets.

    A task is a frozen dataclass with these members; every field can be swept. Optional members have their own protocols:
    `PoolTask.pool`, `SizedTask.sizes`, `FiniteTask.num_examples`, `TokenTask.num_tokens` and `FileTask.content`.

    Attributes
    ----------
    num_outputs
        Number of model outputs that the targets need.
    """

    @property
    def num_outputs(self) -> int:
        """Number of model outputs that the targets need."""
        ...

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw the examples of one run on the host.

        The examples must depend only on the arguments and fields, and be nested: with the same seed, the first 50 of 100
        train examples are the 50 examples of a smaller run. Both rules are tested before training, nesting if train sizes
        differ. Inputs and targets are real and finite.
        """
        ...


@runtime_checkable
class PoolTask(Task, Protocol):
    """A task whose inputs all come from one fixed array, the pool, so that runs hold indices instead of copies."""

    @property
    def pool(self) -> np.ndarray:
        """Inputs ``[N, ...]`` to which the indices of `draw` refer; the same array for the same fields."""
        ...


@runtime_checkable
class SizedTask(Protocol):
    """A task that decides the sizes of its splits, because it cannot draw every size."""

    def sizes(self, train_size: int, test_size: int | None) -> tuple[int, int]:
        """Train and test size, with a number in place of None; raises `memjax.InputError` for sizes that it cannot draw.

        A task without this member can draw any sizes, and a test size of None means the train size.
        """
        ...


@runtime_checkable
class FiniteTask(Protocol):
    """A task with a fixed number of train examples, so that a train size between 0 and 1 is a fraction of them."""

    @property
    def num_examples(self) -> int:
        """Number of examples available for training."""
        ...


@runtime_checkable
class TokenTask(Protocol):
    """A task whose inputs are tokens: integers that are names, not quantities."""

    @property
    def num_tokens(self) -> int:
        """Number of tokens: inputs are integers from 0 to ``num_tokens - 1``."""
        ...


@runtime_checkable
class FileTask(Protocol):
    """A task that reads files: a spec records their content, and a task from a spec is compared with that record."""

    @property
    def content(self) -> str | None:
        """Digest of the content of the files; None if the fields of the task determine the content."""
        ...


@runtime_checkable
class NoisyTask(Protocol):
    """A task that corrupts the targets of some train examples, and can say what they were."""

    def clean_targets(self, seed: int, train_size: int) -> np.ndarray:
        """Targets of the train examples of `draw` before the corruption, ``[N, ...]``."""
        ...


@runtime_checkable
class EvaluatedTask(Protocol):
    """A task with named sets of examples beside its train and test sets, such as a validation set or a shifted test set."""

    @property
    def evaluation_sizes(self) -> Mapping[str, int]:
        """Number of examples of every set, by name."""
        ...

    def evaluation_sets(self, seed: int) -> Mapping[str, Data]:
        """Examples of every set, by name; of a task with a pool, inputs are indices into it."""
        ...


@runtime_checkable
class Subset(Protocol):
    """A choice of rows of a data set, such as those of `memjax.subsets`: a frozen dataclass whose fields can be swept."""

    def size(self, num_rows: int, seed: int) -> int:
        """Number of chosen rows, of ``num_rows``; the seed is that of the subset."""
        ...

    def choose(self, rows: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
        """Positions ``int[n]`` of the chosen rows among the rows of the data set; a row may be chosen several times.

        Parameters
        ----------
        rows
            Number of every row of the data set, ``int[N]``: its index in the pool of the task, or its place in the draw.
        targets
            Targets ``[N, ...]``.
        seed
            Seed of the subset.
        """
        ...


@runtime_checkable
class Model(Protocol):
    """A pure function from parameters and inputs to outputs, without any knowledge of training.

    A Linen module is a model without conversion; `memjax.models.as_model` lists what else is accepted.
    """

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters for inputs ``x[B, ...]``."""
        ...

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        ...


@runtime_checkable
class PaddableModel(Model, Protocol):
    """A model whose widths can be data, so that a sweep over widths shares programs.

    The parameters of a run lie among zeros in the arrays of a wider model, and stay the only ones that change. Initial
    parameters, snapshots and counts are those of the true model.
    """

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of units that can be padded, such as the widths of the hidden layers."""
        ...

    def padded(self, widths: tuple[int, ...]) -> Model:
        """A model of these widths that computes from padded parameters what this model computes from its own.

        Padded models of models that differ in ``widths`` alone are equal up to traced numbers. Any widths are allowed, also
        smaller ones.
        """
        ...

    def pad(self, params: Params, widths: tuple[int, ...]) -> Params:
        """Parameters of this model, arrays of NumPy of any dtype, among zeros in the arrays of ``padded(widths)``.

        Each number has one place, which depends on the shapes alone. A padded unit has zeros in and zeros out.
        """
        ...


@runtime_checkable
class RandomModel(Model, Protocol):
    """A model whose forward pass draws random numbers in training, such as dropout.

    Only the gradient of a training step calls `apply_train`; records, snapshots and measures call `apply`, which draws none.
    A model that draws only at some values of its fields says so by an attribute ``draws``: where it is False, training calls
    `apply`.
    """

    def apply_train(self, params: Params, x: Array, keys: Array) -> Array:
        """Outputs ``[B, C]`` in training for inputs ``x[B, ...]``.

        Parameters
        ----------
        params
            Parameters of the model.
        x
            Inputs ``[B, ...]``.
        keys
            JAX's typed keys ``[B]``, one for each example; they follow from the run, the step and the example alone. Each row
            of outputs depends only on the same row of inputs and on its own key: use ``jax.vmap``.
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
