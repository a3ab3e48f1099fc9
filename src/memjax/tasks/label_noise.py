"""Label noise: which labels are replaced, and by what."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from memjax.checks.values import number, one_of
from memjax.errors import InputError
from memjax.random import generator

__all__ = ["NoiseLaw", "checked_law", "corrupt"]

NoiseLaw: TypeAlias = str | tuple[tuple[float, ...], ...]
"""``uniform`` (any class), ``incorrect`` (any other class), or rows of probabilities of the new class, by the true class."""

_WORDS = ("uniform", "incorrect")


def checked_law(name: str, law: Any, num_classes: int | None = None) -> NoiseLaw:
    """A law of label noise as a word or as tuples; ``num_classes`` is checked if it is known.

    Raises
    ------
    InputError
        If it is no such word, or no square matrix of probabilities.

    Examples
    --------
    >>> checked_law("noise_law", [[0, 1], [0.5, 0.5]])
    ((0, 1), (0.5, 0.5))
    """
    if isinstance(law, str):
        return str(one_of(name, law, _WORDS))
    rows = law.tolist() if isinstance(law, np.ndarray) else law
    if not isinstance(rows, tuple | list) or not all(isinstance(row, tuple | list) for row in rows):
        raise InputError(
            f"{name} is {law!r}: use uniform, incorrect, or a matrix of probabilities with a row per class."
        )
    matrix = tuple(tuple(number(name, entry, 0, 1) for entry in row) for row in rows)
    classes = len(matrix) if num_classes is None else num_classes
    if len(matrix) != classes or any(len(row) != classes for row in matrix):
        raise InputError(
            f"{name} has {len(matrix)} rows of {sorted({len(row) for row in matrix})} entries: give {classes} x {classes}."
        )
    for label, row in enumerate(matrix):
        if abs(sum(row) - 1) > 1e-6:
            raise InputError(
                f"{name} has a row {label} whose entries add up to {sum(row):g}: they are probabilities, so give 1."
            )
    return matrix


def corrupt(labels: np.ndarray, share: float, law: NoiseLaw, num_classes: int, seed: int, room: int) -> np.ndarray:
    """Labels ``int[N]`` with noise.

    Parameters
    ----------
    labels
        The true labels of the first rows of a data set.
    share
        Probability that a label is replaced. The rows replaced at a smaller share are replaced at a larger one too, by the
        same labels.
    law
        Distribution of the new label.
    num_classes
        Number of classes C.
    seed
        Seed of the noise.
    room
        Number of rows of the largest data set: the noise of a row does not depend on how many are drawn.
    """
    if share == 0:
        return labels
    chance, other = generator(seed, "label noise").random((2, room))[:, : len(labels)]
    return np.where(chance < share, _drawn(labels, law, other, num_classes).astype(labels.dtype), labels)


def _drawn(labels: np.ndarray, law: NoiseLaw, uniform: np.ndarray, num_classes: int) -> np.ndarray:
    """New labels from uniform numbers."""
    if law == "uniform":
        return (uniform * num_classes).astype(int)
    if law == "incorrect":
        return (labels + 1 + (uniform * (num_classes - 1)).astype(int)) % num_classes
    cumulative = np.cumsum(np.array(law, np.float64), axis=1)[labels]
    # The last sum may be a rounding below one.
    return np.minimum((uniform[:, None] >= cumulative).sum(1), num_classes - 1)
