"""`from_arrays`: a user's arrays, frames and lists, read and checked, become a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memjax.errors import InputError, listing
from memjax.tasks.arrays import Arrays
from memjax.tasks.containers import check_columns, check_rows, numbers
from memjax.tasks.label_noise import NoiseLaw
from memjax.tasks.labels import Named, numbered, targets

__all__ = ["from_arrays"]


def from_arrays(
    x: Any,
    y: Any,
    *,
    x_test: Any = None,
    y_test: Any = None,
    evaluation: Mapping[str, tuple[Any, Any]] | None = None,
    label_noise: float = 0.0,
    noise_law: NoiseLaw = "uniform",
    num_classes: int | None = None,
    stratified: bool = False,
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
    evaluation
        Further sets of examples by name, pairs of inputs and targets, such as ``{"shifted": (x, y)}``: measures can be taken
        on them, as in ``memjax.measures.accuracy.on("train", "test", "shifted")``.
    label_noise
        Probability that a train label is replaced; test labels stay true.
    noise_law
        Law of the new label: ``uniform`` over all classes (Zhang et al. 2017), ``incorrect`` over all other classes, or a
        matrix with a row of probabilities of the new class for every true class.
    num_classes
        Number of classes, if some have no example; None counts the classes, including categories without an example.
    stratified
        Whether train sets of every size, and test sets that are drawn from the rest, have the classes in their shares.

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
    further = _sets(evaluation)
    given = [("x", "y", x, y), *([] if x_test is None else [("x_test", "y_test", x_test, y_test)])]
    given += [(f"x of {name!r}", f"y of {name!r}", *pair) for name, pair in further.items()]
    read = [_read(*part) for part in given]
    for part in given[1:]:
        check_columns(x, part[2])
    inputs, found = (list(column) for column in zip(*read, strict=True))
    labels, names = _numbered(found)
    for part, own, target in zip(given[1:], inputs[1:], labels[1:], strict=True):
        _check_alike(part[:2], (inputs[0], labels[0]), (own, target))
    sizes = tuple((name, len(own)) for name, own in zip(further, inputs[len(given) - len(further) :], strict=True))
    fields: dict[str, Any] = {"noise_law": noise_law, "stratified": stratified, "evaluation": sizes}
    return Arrays(_joined(inputs), _joined(labels), len(inputs[0]), label_noise, num_classes, names, **fields)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    if len(parts) == 1:
        return parts[0]
    whole = np.concatenate(parts)
    whole.flags.writeable = False
    return whole


def _sets(evaluation: Any) -> dict[str, tuple[Any, Any]]:
    """Further sets by name, checked."""
    if evaluation is None:
        return {}
    if not isinstance(evaluation, Mapping):
        raise InputError(f"evaluation is {type(evaluation).__name__}: give a dict from names to pairs (x, y).")
    for name, pair in evaluation.items():
        if not isinstance(name, str) or not name.isidentifier() or name in _TAKEN:
            raise InputError(
                f"evaluation names a set {name!r}: give a name of letters, digits and underscores that is none of "
                f"{listing(_TAKEN)}."
            )
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InputError(f"evaluation[{name!r}] is {type(pair).__name__}: give a pair of inputs and targets.")
    return {name: (pair[0], pair[1]) for name, pair in evaluation.items()}


_TAKEN = ("train", "test", "data", "held_out", "train_clean", "train_corrupted", "train_restored")


def _check_alike(
    names: tuple[str, str], train: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> None:
    for own, name, first, second in zip("xy", names, train, other, strict=True):
        if first.shape[1:] != second.shape[1:] or first.dtype != second.dtype:
            raise InputError(
                f"{own} is {first.dtype}{list(first.shape)} and {name} {second.dtype}{list(second.shape)}: give both the same "
                "dtype and the same shape after the first axis."
            )


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


def _numbered(found: list[np.ndarray | Named]) -> tuple[list[np.ndarray], tuple[str, ...] | None]:
    """Targets of all sets as arrays, and the names of their classes."""
    named = [part for part in found if isinstance(part, Named)]
    if not named:
        return [part for part in found if not isinstance(part, Named)], None
    if len(named) < len(found):
        raise InputError(
            "Some of y, y_test and evaluation hold names of classes and others numbers: give all as names."
        )
    return numbered(named)
