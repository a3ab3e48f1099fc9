"""Shape letters and the protocols of the open parts: task, model, loss, measure.

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
    "Apply", "Array", "Data", "Estimator", "FileTask", "FiniteTask", "LossFn", "Model", "Params", "PoolTask", "SizedTask",
    "Split", "Task", "TokenTask", "Trained", "Trainer",
]  # fmt: skip

Array: TypeAlias = jax.Array
Params: TypeAlias = Any
"""Any pytree of arrays."""

Apply: TypeAlias = Callable[[Params, Array], Array]
"""``apply(params, x[B, ...]) -> outputs[B, C]``, for one run; each row of outputs of the same row of inputs alone."""

LossFn: TypeAlias = Callable[[Array, Array], Array]
"""``loss(outputs[B, C], targets[B, ...]) -> [B]``: one value per example, of its own row alone; outputs in float32 at least."""


class Data(NamedTuple):
    """Examples of one split of one run, on the host.

    Attributes
    ----------
    x
        Inputs ``[N, ...]``; of a task that owns a pool, integer indices ``[N]`` into it.
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
    """Where examples come from and what the targets are.

    A frozen dataclass with these members; every field of it can be swept. A task may have more members, each of which
    has a protocol: `PoolTask.pool`, `SizedTask.sizes`, `FiniteTask.num_examples`, `TokenTask.num_tokens` and
    `FileTask.content`.

    Attributes
    ----------
    num_outputs
        Width of the model's output that the targets call for.
    """

    @property
    def num_outputs(self) -> int:
        """Width of the model's output that the targets call for."""
        ...

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw the examples of one run on the host.

        Must depend on nothing but its arguments and fields, and be nested: with the same seed, the first 50 of 100
        train examples are the 50 of a smaller run. Both are tried before training, nesting where train sizes
        differ. Inputs and targets are real and finite.
        """
        ...


@runtime_checkable
class PoolTask(Task, Protocol):
    """A task whose inputs all come from one fixed array, so that runs hold indices instead of copies."""

    @property
    def pool(self) -> np.ndarray:
        """Inputs ``[N, ...]`` that `draw` gives indices into; the same array for the same fields."""
        ...


@runtime_checkable
class SizedTask(Protocol):
    """A task that settles the sizes of its splits, where not every size can be served."""

    def sizes(self, train_size: int, test_size: int | None) -> tuple[int, int]:
        """Train and test size, with a test size of None settled; raises `memjax.InputError` for sizes it cannot serve.

        A task without this member serves any sizes, and a test size of None is the train size.
        """
        ...


@runtime_checkable
class FiniteTask(Protocol):
    """A task with so many examples to train on, of which a train size between 0 and 1 is a share."""

    @property
    def num_examples(self) -> int:
        """Examples to train on."""
        ...


@runtime_checkable
class TokenTask(Protocol):
    """A task whose inputs are tokens, numbers that are names, and no quantities."""

    @property
    def num_tokens(self) -> int:
        """Number of tokens: inputs are whole numbers from 0 to ``num_tokens - 1``."""
        ...


@runtime_checkable
class FileTask(Protocol):
    """A task that reads files: a spec says what the files held, and a task that is read back is compared with that."""

    @property
    def content(self) -> str | None:
        """Digest of what the files hold; None where the fields of the task say enough."""
        ...


@runtime_checkable
class Model(Protocol):
    """A pure function from parameters and inputs to outputs; knows nothing of training.

    A Linen module is one as it is; see `memjax.models.as_model` for what else is accepted.
    """

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters for inputs ``x[B, ...]``."""
        ...

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        ...


class Trained(Protocol):
    """What one run left."""

    @property
    def records(self) -> Mapping[str, Any]:
        """Records ``[K, ...]`` by variable."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the run came to its end with finite numbers."""
        ...


Trainer: TypeAlias = Callable[[Sequence[Any]], Sequence[Trained]]
"""Trains any list of `memjax.Experiment` packed together, and gives what each left, in order."""


@runtime_checkable
class Estimator(Protocol):
    """What `memjax.measure` takes on all snapshots at once, such as `memjax.measures.llc`: one batch trains for all of them."""

    def on_all(self, snapshots: Sequence[Any], train: Trainer) -> Sequence[Mapping[str, Any]]:
        """Values of every `memjax.Snapshot`, by name: numbers, pairs ``(dims, array)`` or DataArrays."""
        ...
