"""A task of arrays: runs hold indices into one pool."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from memjax.checks.values import flag, keep_numbers, keep_wholes
from memjax.content.later import later, stated
from memjax.errors import InputError
from memjax.random import generator
from memjax.tasks.label_noise import NoiseLaw, checked_law, corrupt
from memjax.tasks.labels import check_classes
from memjax.types import Data, Split

__all__ = ["Arrays"]


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples from a user's arrays; `memjax.tasks.from_arrays` makes one.

    The data seed of a run draws a permutation of the training rows. The run trains on the first ``train_size`` of them, so
    train sets are nested. Without separate test rows, test examples come from the end of the permutation.

    Attributes
    ----------
    label_noise, noise_law
        Probability that the label of a train example is replaced, and the law of the new label: ``uniform`` (any class, the
        true one included), ``incorrect`` (any other class), or a matrix of probabilities, a row per true class. Noise belongs
        to the rows of a data set: all runs on the same data seed see the same.
    num_classes
        Number of classes; None if targets are values. Every class has an example unless the number was given.
    class_names
        Names of the classes in the order of their labels; None if they have no names.
    stratified
        Whether the first rows of the permutation, and its last, have every class in the share that it has of all.
    evaluation
        Name and number of rows of each further set at the end of the arrays, behind the test rows.

    Examples
    --------
    Smaller train sets are the beginnings of larger ones, and ``x`` holds places in the pool:

    >>> import memjax as mj, numpy as np
    >>> task = mj.tasks.from_arrays(np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1]))
    >>> small, large = (task.draw(seed=0, train_size=size, test_size=0).train for size in (2, 4))
    >>> np.array_equal(large.x[:2], small.x), task.pool[small.x].shape
    (True, (2, 2))
    """

    x: np.ndarray
    y: np.ndarray
    num_train: int
    label_noise: float = 0.0
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    noise_law: NoiseLaw = later("uniform")
    stratified: bool = later(False)
    evaluation: tuple[tuple[str, int], ...] = later(())

    def __post_init__(self) -> None:
        keep_wholes(self, {"num_train": 1})
        keep_wholes(self, {"num_classes": 2}, optional=True)
        keep_numbers(self, ["label_noise"], 0, 1)
        object.__setattr__(self, "stratified", flag("Arrays.stratified", self.stratified))
        if self.has_labels:
            object.__setattr__(
                self, "num_classes", check_classes(self.y, self.num_train, self.num_classes, self.class_names)
            )
            object.__setattr__(self, "noise_law", checked_law("Arrays.noise_law", self.noise_law, self.num_classes))
            return
        if self.label_noise:
            raise InputError("Arrays.label_noise replaces class labels, but y holds values: leave it at 0.")
        if self.stratified:
            raise InputError("Arrays.stratified keeps the shares of classes, but y holds values: leave it at False.")
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
        known = *arrays, self.num_train, self.label_noise, self.num_outputs, self.class_names
        # Named only where they are used, so that the content of older tasks stays the same.
        return known + tuple((name, getattr(self, name)) for name in _LATER if name in stated(self))

    def __repr__(self) -> str:
        shapes = f"x{list(self.x.shape)}, y{list(self.y.shape)}, num_train={self.num_train}"
        # Only fields that the digest does not determine.
        classes = f", num_classes={self.num_classes}" if self.has_labels and self.num_outputs > self.y.max() + 1 else ""
        names = "" if self.class_names is None else f", class_names={self.class_names}"
        more = "".join(f", {name}={value!r}" for name, value in self._metadata()[8:])
        return f"Arrays({shapes}, label_noise={self.label_noise}{classes}{names}{more}, sha256={self.digest[:16]})"

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
        held_out = self._num_test
        if held_out == 0:
            default = " (train_size by default)" if test_size is None else ""
            test_size = train_size if test_size is None else test_size
            if train_size + test_size > self.num_train:
                raise InputError(
                    f"train_size {train_size} and test_size {test_size}{default} need {train_size + test_size} rows, but the "
                    f"arrays have {self.num_train}: lower one of them, give test_size=0 for none, or pass test arrays to "
                    "from_arrays."
                )
            return train_size, test_size
        test_size = held_out if test_size is None else test_size
        for name, size, rows in (("train_size", train_size, self.num_train), ("test_size", test_size, held_out)):
            if size > rows:
                raise InputError(f"{name} is {size}, but the arrays have {rows} rows for it: give at most {rows}.")
        return train_size, test_size

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw a random subset: indices ``int32[N]`` into the pool, and targets, with label noise in the train split."""
        order = self._order(seed)
        train, test = order[:train_size], order[self.num_train - int(test_size) :]
        if self._num_test:
            rows = generator(seed, "test rows").permutation(self._num_test)
            test = (self.num_train + rows[:test_size]).astype(np.int32)
        return Split(Data(train, self._noisy(seed, self.y[train])), Data(test, self.y[test]))

    def clean_targets(self, seed: int, train_size: int) -> np.ndarray:
        """Targets of the train examples before label noise, ``[N, ...]``."""
        targets: np.ndarray = self.y[self._order(seed)[:train_size]]
        return targets

    @property
    def evaluation_sizes(self) -> dict[str, int]:
        """Number of rows of every further set, by name."""
        return dict(self.evaluation)

    def evaluation_sets(self, seed: int) -> dict[str, Data]:
        """Indices ``int32[N]`` into the pool and targets of every further set; they do not depend on the seed."""
        del seed
        ends = self.num_train + self._num_test + np.cumsum([0, *self.evaluation_sizes.values()])
        rows = (np.arange(start, stop, dtype=np.int32) for start, stop in itertools.pairwise(ends))
        return {name: Data(own, self.y[own]) for name, own in zip(self.evaluation_sizes, rows, strict=True)}

    @property
    def _num_test(self) -> int:
        return len(self.x) - self.num_train - sum(self.evaluation_sizes.values())

    def _order(self, seed: int) -> np.ndarray:
        order = generator(seed, "train rows").permutation(self.num_train).astype(np.int32)
        return order[_interleaved(self.y[order])] if self.stratified else order

    def _noisy(self, seed: int, labels: np.ndarray) -> np.ndarray:
        if self.label_noise == 0:
            return labels
        return corrupt(labels, self.label_noise, self.noise_law, self.num_outputs, seed, self.num_train)


_LATER = ("noise_law", "stratified", "evaluation")


def _interleaved(labels: np.ndarray) -> np.ndarray:
    """Positions of labels ``int[N]`` in an order whose every beginning has each class in its share, up to about one row."""
    number = np.empty(len(labels))
    for label, count in enumerate(np.bincount(labels)):
        number[labels == label] = (np.arange(count) + 0.5) / max(count, 1)
    return np.argsort(number, kind="stable")
