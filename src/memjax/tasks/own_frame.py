"""`from_frame`: a table with named columns becomes a task, by the names of its columns."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from memjax.errors import InputError
from memjax.tasks.arrays import Arrays
from memjax.tasks.containers import is_frame
from memjax.tasks.own_arrays import from_arrays

__all__ = ["from_frame"]


def from_frame(
    frame: Any,
    target: Hashable,
    columns: Sequence[Hashable] | None = None,
    *,
    test: Any = None,
    evaluation: Mapping[str, Any] | None = None,
    **options: Any,
) -> Arrays:
    """Make a task from a table with named columns, such as a pandas DataFrame.

    Parameters
    ----------
    frame
        The table: rows are examples.
    target
        Name of the column of the targets. Strings and categories become class labels, numbered in the order of their names;
        ``task.class_names`` keeps the names.
    columns
        Names of the columns of the inputs, in their order; None takes all columns but the target. They hold numbers.
    test
        Table of separate test rows with the same columns; without it test examples are rows on which the run does not train.
    evaluation
        Further tables by name, with the same columns, on which measures can be taken.
    options
        ``label_noise``, ``noise_law``, ``num_classes`` and ``stratified`` of `from_arrays`.

    Returns
    -------
    Arrays
        The task.

    Raises
    ------
    InputError
        If a table lacks a column, the target is among the inputs, or the values are not what `from_arrays` takes.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"width": [1.0, 2.0, 3.0], "height": [4.0, 5.0, 6.0], "kind": ["emu", "cat", "emu"]})
    >>> task = from_frame(frame, "kind", ["height"])
    >>> task.class_names, task.pool.shape
    (('cat', 'emu'), (3, 1))
    """
    tables = {"frame": frame, **({} if test is None else {"test": test})}
    tables |= {f"evaluation[{name!r}]": table for name, table in (evaluation or {}).items()}
    for name, table in tables.items():
        if not is_frame(table):
            raise InputError(f"{name} is {type(table).__name__}: give a table with named columns, or use from_arrays.")
    chosen = _inputs(frame, target, columns)
    for name, table in tables.items():
        _check_columns(name, table, [*chosen, target])
    pairs = {name: (table[chosen], table[target]) for name, table in tables.items()}
    x_test, y_test = pairs.get("test", (None, None))
    further = {name: pairs[f"evaluation[{name!r}]"] for name in evaluation or {}} or None
    return from_arrays(*pairs["frame"], x_test=x_test, y_test=y_test, evaluation=further, **options)


def _inputs(frame: Any, target: Hashable, columns: Sequence[Hashable] | None) -> list[Hashable]:
    """Names of the columns of the inputs."""
    if columns is None:
        return [name for name in frame.columns if name != target]
    if isinstance(columns, str) or not isinstance(columns, Sequence) or not columns:
        raise InputError(f"columns is {columns!r}: give a list of names of columns, or None for all but the target.")
    if target in columns:
        raise InputError(f"columns holds the target {target!r}: give the columns of the inputs alone.")
    return list(columns)


def _check_columns(name: str, table: Any, wanted: list[Hashable]) -> None:
    """Raise `InputError` where a table lacks a column, or has the name of one twice."""
    there = list(table.columns)
    for column in wanted:
        if there.count(column) != 1:
            what = "no column" if column not in there else f"{there.count(column)} columns named"
            raise InputError(f"{name} has {what} {column!r}: the columns are {there}; give the name of one.")
