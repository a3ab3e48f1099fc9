"""A task from a user's arrays: runs hold indices into one pool."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from memjax.checks.values import keep_numbers, keep_wholes
from memjax.errors import InputError
from memjax.random import generator
from memjax.tasks.containers import check_columns, check_rows, numbers
from memjax.tasks.labels import Named, check_classes, numbered, targets
from memjax.types import Data, Split

__all__ = ["Arrays", "from_arrays"]


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples from a user's arrays; `from_arrays` makes one.

    The data seed of a run draws a permutation of the training rows. The run trains on the first ``train_size`` of them, so
    train sets are nested. Without separate test rows, test examples come from the end of the permutation.

    Attributes
    ----------
    num_classes
        Number of classes; None if targets are values. Every class has an example unless the number was given.
    class_names
        Names of the classes in the order of their labels; None if they have no names.
    """

    x: np.ndarray
    y: np.ndarray
    num_train: int
    label_noise: float = 0.0
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        keep_wholes(self, {"num_train": 1})
        keep_wholes(self, {"num_classes": 2}, optional=True)
        keep_numbers(self, ["label_noise"], 0, 1)
        if self.has_labels:
            object.__setattr__(
                self, "num_classes", check_classes(self.y, self.num_train, self.num_classes, self.class_names)
            )
            return
        if self.label_noise:
            raise InputError("Arrays.label_noise replaces class labels, but y holds values: leave it at 0.")
        if self.num_classes is not None:
            raise InputError(f"num_classes is {self.num_classes}, but y holds {self.y.dtype} values: leave it out.")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the arrays, in hexadecimal."""
        parts = (repr((a.shape, str(a.dtype))).encode() + np.ascontiguousarray(a).tobytes() for a in (self.x, self.y))
        return hashlib.sha256(b"".join(parts)).hexdigest()

    @property
    def __memjax_content__(self) -> str:
        """Content of the task for `memjax.content`: the digest, which is computed only once."""
        return repr((self.digest, self._metadata()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Arrays) or self._metadata() != other._metadata():
            return False
        # Hashing large arrays takes long, and sweeps make many tasks with the same arrays.
        return (self.x is other.x and self.y is other.y) or self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self._metadata())

    def _metadata(self) -> tuple[Any, ...]:
        arrays = self.x.shape, str(self.x.dtype), self.y.shape, str(self.y.dtype)
        return *arrays, self.num_train, self.label_noise, self.num_outputs, self.class_names

    def __repr__(self) -> str:
        shapes = f"x{list(self.x.shape)}, y{list(self.y.shape)}, num_train={self.num_train}"
        # Only fields that the digest does not determine.
        stated = f", num_classes={self.num_classes}" if self.has_labels and self.num_outputs > self.y.max() + 1 else ""
        names = "" if self.class_names is None else f", class_names={self.class_names}"
        return f"Arrays({shapes}, label_noise={self.label_noise}{stated}{names}, sha256={self.digest[:16]})"

    @property
    def has_labels(self) -> bool:
        """Whether targets are class labels (integers) and not values."""
        return bool(np.issubdtype(self.y.dtype, np.integer))

    @property
    def num_outputs(self) -> int:
        """Number of classes, or number of target values."""
        return int(np.prod(self.y.shape[1:])) if self.num_classes is None else self.num_classes

    @property
    def num_examples(self) -> int:
        """Number of training rows; a train size between 0 and 1 is a fraction of them."""
        return self.num_train

    @property
    def pool(self) -> np.ndarray:
        """All inputs, training rows first."""
        return self.x

    def sizes(self, train_size: int, test_size: int | None) -> tuple[int, int]:
        """Train and test size, checked. A test size of None means all test rows, or the train size without test rows.

        Raises
        ------
        InputError
            If there are too few rows.
        """
        train_size, test_size = int(train_size), None if test_size is None else int(test_size)
        held_out = len(self.x) - self.num_train
        if held_out == 0:
            test_size = train_size if test_size is None else test_size
            if train_size + test_size > self.num_train:
                raise InputError(
                    f"train_size {train_size} and test_size {test_size} need {train_size + test_size} rows, but the "
                    f"arrays have {self.num_train}: lower one of them, or pass test arrays to from_arrays."
                )
            return train_size, test_size
        test_size = held_out if test_size is None else test_size
        for name, size, rows in (("train_size", train_size, self.num_train), ("test_size", test_size, held_out)):
            if size > rows:
                raise InputError(f"{name} is {size}, but the arrays have {rows} rows for it: give at most {rows}.")
        return train_size, test_size

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw a random subset: indices ``int32[N]`` into the pool, and targets, with label noise in the train split."""
        order = generator(seed, "train rows").permutation(self.num_train).astype(np.int32)
        train, test = order[:train_size], order[self.num_train - int(test_size) :]
        if len(self.x) > self.num_train:
            rows = generator(seed, "test rows").permutation(len(self.x) - self.num_train)
            test = (self.num_train + rows[:test_size]).astype(np.int32)
        return Split(Data(train, self._noisy(seed, self.y[train])), Data(test, self.y[test]))

    def _noisy(self, seed: int, labels: np.ndarray) -> np.ndarray:
        if self.label_noise == 0:
            return labels
        rng = generator(seed, "label noise")
        chance, other = rng.random((2, self.num_train))[:, : len(labels)]
        return np.where(chance < self.label_noise, (other * self.num_outputs).astype(labels.dtype), labels)


def from_arrays(
    x: Any,
    y: Any,
    *,
    x_test: Any = None,
    y_test: Any = None,
    label_noise: float = 0.0,
    num_classes: int | None = None,
) -> Arrays:
    """Make a task from your own arrays.

    They may be arrays of NumPy, JAX or xarray, frames and columns of pandas, or lists; the container makes no difference.

    Parameters
    ----------
    x
        Inputs ``[N, ...]``: numbers without missing values. Integers stay integers (tokens); floats become JAX's default
        float, float32 or float64.
    y
        Targets: integer labels ``[N]`` or ``[N, 1]`` from 0, with an example of every class; names of classes, as strings
        or pandas categories; or float values ``[N]`` or ``[N, C]``.
    x_test, y_test
        Separate test rows; without them test examples are rows of ``x`` on which the run does not train.
    label_noise
        Probability that a train label is replaced by a label drawn uniformly from all classes (Zhang et al. 2017).
    num_classes
        Number of classes, if some have no example; None counts the classes, including categories without an example.

    Returns
    -------
    Arrays
        The task. Named classes are numbered in the order of their categories, else in sorted order; ``class_names`` holds
        the names.

    Raises
    ------
    InputError
        If shapes or dtypes do not fit, values are missing, labels are negative, or a class has no example.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> task = from_arrays(rng.normal(size=(100, 5)), rng.integers(0, 3, 100), label_noise=0.2)
    >>> task.num_outputs, task.draw(seed=0, train_size=60, test_size=40).train.x.dtype.name
    (3, 'int32')
    >>> from_arrays(rng.normal(size=(4, 5)), ["dog", "cat", "cat", "emu"]).class_names
    ('cat', 'dog', 'emu')
    """
    if (x_test is None) != (y_test is None):
        raise InputError("from_arrays got only one of x_test and y_test: give both or neither.")
    x_train, y_train = _read("x", "y", x, y)
    test = None if x_test is None else _read("x_test", "y_test", x_test, y_test)
    check_columns(x, x_test)
    y_train, labels, names = _numbered(y_train, None if test is None else test[1])
    if test is None or labels is None:
        return Arrays(x_train, y_train, len(x_train), label_noise, num_classes, names)
    for name, first, second in (("x", x_train, test[0]), ("y", y_train, labels)):
        if first.shape[1:] != second.shape[1:] or first.dtype != second.dtype:
            raise InputError(
                f"{name} is {first.dtype}{list(first.shape)} and {name}_test {second.dtype}{list(second.shape)}: "
                "give both the same dtype and the same shape after the first axis."
            )
    inputs, both = np.concatenate([x_train, test[0]]), np.concatenate([y_train, labels])
    inputs.flags.writeable = both.flags.writeable = False
    return Arrays(inputs, both, len(x_train), label_noise, num_classes, names)


def _read(x_name: str, y_name: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray | Named]:
    inputs, found = numbers(x_name, x), targets(y_name, y)
    if inputs.ndim < 2:
        raise InputError(f"{x_name} has shape {list(inputs.shape)}: give one row per example, such as x[:, None].")
    rows = len(found.words) if isinstance(found, Named) else len(found)
    if len(inputs) != rows or rows == 0:
        raise InputError(
            f"{x_name} has {len(inputs)} rows and {y_name} {rows}: give as many targets as inputs, at least one."
        )
    for name, array in ((x_name, inputs), (y_name, found)):
        if not isinstance(array, Named) and not array.size:
            raise InputError(f"{name} has shape {list(array.shape)}: give at least one number per example.")
    check_rows(x, y)
    return inputs, found


def _numbered(
    train: np.ndarray | Named, test: np.ndarray | Named | None
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...] | None]:
    """Targets of both splits as arrays, and the names of their classes."""
    if isinstance(train, Named) and not isinstance(test, np.ndarray):
        return numbered(train, test)
    if isinstance(train, Named) or isinstance(test, Named):
        raise InputError("One of y and y_test holds names of classes and the other numbers: give both as names.")
    return train, test, None
