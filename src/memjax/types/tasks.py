"""Tasks: the source of examples, and its optional members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from memjax.types.data import Array, Data, Split

__all__ = [
    "EvaluatedTask",
    "FileTask",
    "FiniteTask",
    "FreshTask",
    "NoisyTask",
    "PoolTask",
    "SizedTask",
    "Task",
    "TokenTask",
]


@runtime_checkable
class Task(Protocol):
    """The source of examples and their targets.

    A task is a frozen dataclass with these members; every field can be swept. Optional members have their own protocols:
    `PoolTask.pool`, `SizedTask.sizes`, `FiniteTask.num_examples`, `TokenTask.num_tokens`, `FileTask.content` and
    `FreshTask.fresh`.

    Attributes
    ----------
    num_outputs
        Number of model outputs that the targets need.

    Examples
    --------
    A task of one's own, the sign of a number; ``docs/adding/task.md`` lists what else a task can have:

    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> import memjax as mj
    >>> @dataclass(frozen=True)
    ... class Sign:
    ...     num_outputs: int = 2
    ...     def draw(self, seed, train_size, test_size):
    ...         values = np.random.default_rng(seed).normal(size=(train_size + test_size, 1)).astype(np.float32)
    ...         drawn = Data(values, (values[:, 0] > 0).astype(np.int32))
    ...         return Split(Data(*(part[:train_size] for part in drawn)), Data(*(part[train_size:] for part in drawn)))
    >>> isinstance(Sign(), Task), mj.Experiment(task=Sign(), train_size=50).task.draw(0, 4, 2).test.x.shape
    (True, (2, 1))
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
    """A task whose inputs all come from one fixed array, the pool, so that runs hold indices instead of copies.

    `memjax.tasks.ModularArithmetic` is one; ``docs/adding/task.md`` says how to write another.
    """

    @property
    def pool(self) -> np.ndarray:
        """Inputs ``[N, ...]`` to which the indices of ``draw`` refer; the same array for the same fields."""
        ...


@runtime_checkable
class SizedTask(Protocol):
    """A task that decides the sizes of its splits, because it cannot draw every size.

    `memjax.tasks.Arrays` is one; ``docs/adding/task.md`` says how to write another.
    """

    def sizes(self, train_size: int, test_size: int | None) -> tuple[int, int]:
        """Train and test size, with a number in place of None; raises `memjax.InputError` for sizes that it cannot draw.

        A task without this member can draw any sizes, and a test size of None means the train size.
        """
        ...


@runtime_checkable
class FiniteTask(Protocol):
    """A task with a fixed number of train examples, so that a train size between 0 and 1 is a fraction of them.

    `memjax.tasks.Arrays` is one; ``docs/adding/task.md`` says how to write another.
    """

    @property
    def num_examples(self) -> int:
        """Number of examples available for training."""
        ...


@runtime_checkable
class TokenTask(Protocol):
    """A task whose inputs are tokens: integers that are names, not quantities.

    `memjax.tasks.ModularArithmetic` is one; ``docs/adding/task.md`` says how to write another.
    """

    @property
    def num_tokens(self) -> int:
        """Number of tokens: inputs are integers from 0 to ``num_tokens - 1``."""
        ...


@runtime_checkable
class FileTask(Protocol):
    """A task that reads files: a spec records their content, and a task from a spec is compared with that record.

    `memjax.tasks.Images` is one; ``docs/adding/task.md`` says how to write another.
    """

    @property
    def content(self) -> str | None:
        """Digest of the content of the files; None if the fields of the task determine the content."""
        ...


@runtime_checkable
class NoisyTask(Protocol):
    """A task that corrupts the targets of some train examples, and can say what they were.

    `memjax.tasks.Arrays` is one; ``docs/adding/task.md`` says how to write another.
    """

    def clean_targets(self, seed: int, train_size: int) -> np.ndarray:
        """Targets of the train examples of ``draw`` before the corruption, ``[N, ...]``."""
        ...


@runtime_checkable
class EvaluatedTask(Protocol):
    """A task with named sets of examples beside its train and test sets, such as a validation set or a shifted test set.

    `memjax.tasks.Arrays` is one; ``docs/adding/task.md`` says how to write another.
    """

    @property
    def evaluation_sizes(self) -> Mapping[str, int]:
        """Number of examples of every set, by name."""
        ...

    def evaluation_sets(self, seed: int) -> Mapping[str, Data]:
        """Examples of every set, by name; of a task with a pool, inputs are indices into it."""
        ...


@runtime_checkable
class FreshTask(Protocol):
    """A task that can draw new examples inside a training step, so that a run may learn online and store none.

    A field that is declared with `memjax.traced` may be a traced number of JAX in `fresh`, so that an axis of the field
    compiles nothing. Every other field is structure there: each of its values compiles a program.

    `memjax.tasks.RandomLabels` is one; ``docs/adding/task.md`` says how to write another.
    """

    def stream(self, seed: int) -> Any:
        """What the examples of a data seed have in common, as a tree of arrays, which may be ``()``.

        The tree depends on the seed and the fields alone, such as the weights of a teacher. Its arrays have the same shapes
        and dtypes for every seed and every value of a traced field.
        """
        ...

    def fresh(self, stream: Any, keys: Array) -> tuple[Array, Array]:
        """Draw one example with each of the typed keys ``[B]`` of JAX: inputs ``[B, ...]`` and targets ``[B, ...]``.

        The function is pure and can be traced. A row hangs on the stream and its own key alone. Shapes and dtypes of the rows
        are those of `Task.draw`, and so is their distribution, noise on train targets included. For a task with a pool, the
        inputs are rows of the pool and not indices.
        """
        ...
