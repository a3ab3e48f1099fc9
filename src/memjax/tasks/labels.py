"""Read a user's targets: class labels by number or by name, or values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from memjax.errors import InputError, listing
from memjax.tasks.containers import is_frame, is_missing, numbers, plain

__all__ = ["RENUMBER", "Named", "check_classes", "named", "numbered", "targets"]

RENUMBER = "renumber them with np.unique(y, return_inverse=True)[1], y and y_test together where there are both"

# Text of missing values in NumPy and pandas.
_MISSING = ("nan", "<NA>", "NaT")


class Named(NamedTuple):
    """Class labels by name.

    Attributes
    ----------
    words
        Class name of every example.
    classes
        All class names in order, if categories define them.
    """

    words: list[str]
    classes: tuple[str, ...] | None


def targets(name: str, values: Any) -> np.ndarray | Named:
    """Read targets: labels ``int32[N]``, values ``[N, C]``, or names.

    Raises
    ------
    InputError
        If the targets are none of these, or a target is missing.

    Examples
    --------
    >>> targets("y", [[3], [0]]), targets("y", [0.5, 1.0]).shape, targets("y", ["cat", "dog"]).words
    (array([3, 0], dtype=int32), (2, 1), ['cat', 'dog'])
    """
    if is_frame(values) and len(values.columns) == 1:
        values = values.iloc[:, 0]
    found = named(name, values)
    if found is not None:
        return found
    array = numbers(name, values)
    if array.ndim < 1:
        raise InputError(f"{name} is a single number: give one target per example.")
    if np.issubdtype(array.dtype, np.integer):
        return _labels(name, array)
    return array if array.ndim > 1 else array[:, None]


def _labels(name: str, array: np.ndarray) -> np.ndarray:
    column = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if column.size and (column.ndim != 1 or column.min() < 0):
        raise InputError(
            f"{name} holds integers of shape {list(array.shape)} from {array.min()}: labels must be one whole number from 0 "
            f"per example; {_advice(name, column)}."
        )
    labels = column.astype(np.int32)
    labels.flags.writeable = False
    return labels


def _advice(name: str, array: np.ndarray) -> str:
    values = f"convert values to float with {name}.astype(float)"
    if array.ndim == 2 and is_one_hot(array):
        return f"of one-hot rows take {name}.argmax(axis=1), or {values} for loss = 'mse'"
    if array.ndim == 2 and len(array) == 1:
        return f"of one row take {name}[0]"
    if array.ndim != 1:
        return values
    if np.isin(array, (-1, 1)).all():
        return f"of classes -1 and 1 take ({name} > 0).astype(int), and for loss = 'hinge' {name}.astype(float)"
    return f"if they are classes, {RENUMBER}, and {values}"


def is_one_hot(array: np.ndarray) -> bool:
    """Whether an array ``[N, C]`` has several columns, and every row is one 1 among zeros."""
    return array.shape[1] > 1 and bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def named(name: str, values: Any) -> Named | None:
    """Read labels by name: strings, bytes that are text, or pandas categories; None for anything else.

    Raises
    ------
    InputError
        If a name is missing, or some labels are names and others are not.
    """
    categories = getattr(getattr(values, "dtype", None), "categories", None)
    if categories is not None and hasattr(values, "isna"):
        return _of_categories(name, values, categories)
    array = None if is_frame(values) else plain(name, values)
    if array is None or not _holds_text(array):
        return None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"{name} holds names of shape {list(array.shape)}: give the name of one class per example.")
    words = [_class_name(name, row, item) for row, item in enumerate(array.tolist())]
    _check_no_numbers(name, words)
    return Named(words, None)


def _check_no_numbers(name: str, words: list[str]) -> None:
    """Refuse fractional numbers as text. Integers as text may be names, such as the names of digits."""
    different = sorted(set(words))
    try:
        _ = [float(word) for word in different]
    except ValueError:
        return
    fraction = next((word for word in different if not word.strip().lstrip("+-").isdigit()), None)
    if fraction is not None:
        raise InputError(
            f"{name} holds numbers as text, such as {fraction!r}: if they are quantities, give {name}.astype(float); if they "
            "are names of classes, give categories of pandas."
        )


def _holds_text(array: np.ndarray) -> bool:
    if array.dtype.kind in "UST":
        return True
    return array.dtype == object and any(isinstance(item, str | bytes) for item in array.flat)


def _class_name(name: str, row: int, item: Any) -> str:
    if isinstance(item, bytes):
        try:
            item = item.decode()
        except UnicodeDecodeError:
            raise InputError(
                f"{name} holds {item!r} in row {row}, which is no text in UTF-8: decode it first."
            ) from None
    if is_missing(item) or item in _MISSING:
        raise InputError(
            f"{name} holds {item} in row {row}, which stands for a missing label: remove the row, or name the class otherwise."
        )
    if not isinstance(item, str):
        raise InputError(
            f"{name} holds names, but {item!r} in row {row}: give the name of every class as text, or a number for each."
        )
    return str(item)


def _of_categories(name: str, values: Any, categories: Any) -> Named:
    codes = np.asarray(values.cat.codes if hasattr(values, "cat") else values.codes)
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise InputError(f"{name} has no category in row {row}: remove the row, or give it a category.")
    classes = tuple(str(category) for category in categories)
    if len(set(classes)) < len(classes):
        raise InputError(f"{name} has categories that read the same, {list(classes)}: rename them.")
    return Named([classes[code] for code in codes], classes)


def numbered(sets: Sequence[Named]) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Labels ``int32[N]`` of several sets, and the names of all classes, in the order of categories or else sorted.

    Raises
    ------
    InputError
        If a set has a class that is not a category of another set.

    Examples
    --------
    >>> numbered([Named(["dog", "cat"], None), Named(["emu"], None)])
    ([array([1, 0], dtype=int32), array([2], dtype=int32)], ('cat', 'dog', 'emu'))
    """
    words = {word for one in sets for word in one.words}
    stated = [one.classes for one in sets if one.classes is not None]
    classes = stated[0] if stated else tuple(sorted(words))
    unknown = sorted((words | {word for other in stated[1:] for word in other}) - set(classes))
    if unknown:
        raise InputError(
            f"y and y_test have other categories, for {unknown[0]!r} is not among {list(classes)}: give all the same "
            "categories, such as those of pandas.CategoricalDtype."
        )
    number = {word: place for place, word in enumerate(classes)}
    return [_codes(one, number) for one in sets], classes


def _codes(split: Named, number: dict[str, int]) -> np.ndarray:
    codes = np.array([number[word] for word in split.words], np.int32)
    codes.flags.writeable = False
    return codes


def check_classes(labels: np.ndarray, num_train: int, num_classes: int | None, names: tuple[str, ...] | None) -> int:
    """Number of classes of labels ``int32[N]``: ``num_classes`` if given, else counted; then every class needs an example.

    Raises
    ------
    InputError
        If ``num_classes`` is too small. If it is not given: if a class below the largest label has no example, or all
        training rows are of one class.
    """
    most = int(labels.max()) + 1
    if num_classes is not None:
        if most > num_classes or (names is not None and len(names) != num_classes):
            raise InputError(
                f"num_classes is {num_classes}, but y has "
                + (
                    f"the classes {list(names)}: leave it out."
                    if names
                    else f"the label {most - 1}: give {most} or more."
                )
            )
        return num_classes
    if names is not None and len(names) > 1:
        return len(names)
    if names is not None or (labels[:num_train] == labels[0]).all():
        raise InputError(
            f"y has one class only, {labels[0] if names is None else repr(names[0])}: labels must run from 0 to at least 1; "
            "where other classes are meant to be missing, give num_classes=, the number of all, or categories of pandas."
        )
    present = np.unique(labels)
    if len(present) < most:
        raise InputError(f"y holds {_holes(present, most)}")
    return most


def _holes(present: np.ndarray, most: int) -> str:
    if 2 * len(present) < most:
        return (
            f"{len(present)} different whole numbers up to {most - 1}, so that most of {most} classes would have no example: "
            f"if they are quantities, give y.astype(float); if they are classes, {RENUMBER}, or give num_classes=, the number "
            "of classes."
        )
    missing = np.setdiff1d(np.arange(most), present)
    more = " and so on" if len(missing) > 5 else ""
    return (
        f"labels up to {most - 1}, but none that is {listing(missing[:5])}{more}: {RENUMBER}, or give num_classes={most} if "
        "missing classes are meant."
    )
