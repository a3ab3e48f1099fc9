"""Tables over coordinates: a row for every combination of labels, a column for every estimate."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.pages.table import Table
from memjax.studies.kit.estimate import Estimate, Kind, estimate
from memjax.studies.kit.number_format import column_text, number_text
from memjax.studies.kit.within import Within, within_records

__all__ = ["Column", "Columns", "columns_of", "geometric", "grid", "listed", "mean", "outcomes", "share", "time"]

Cell = str | float | int | Estimate | xr.DataArray | Within
Column = Callable[[Any], Cell]
"""From the part of a dataset that belongs to a row to a cell: text, a number, an estimate, or one value of each run."""


Columns = Mapping[str, Column | str]
"""Columns by their heads; the name of a variable alone stands for `mean` of it."""


def mean(name: str) -> Column:
    """Column of the mean over seeds of a variable.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> part = xr.Dataset({"loss": ("seed", [1.0, 3.0, np.inf])})
    >>> mean("loss")(part).value, mean("loss")(part).never
    (2.0, 1)
    """
    return lambda part: estimate(part[name])


def geometric(name: str) -> Column:
    """Column of the geometric mean over seeds of a positive variable.

    Examples
    --------
    >>> import xarray as xr
    >>> part = xr.Dataset({"steps": ("seed", [10.0, 1000.0])})
    >>> round(geometric("steps")(part).value, 6)
    100.0
    """
    return lambda part: estimate(part[name], "geometric")


def share(name: str) -> Column:
    """Column of the share of runs for which a variable of 0 and 1 holds.

    Examples
    --------
    >>> import xarray as xr
    >>> part = xr.Dataset({"fitted": ("seed", [1, 1, 1, 0])})
    >>> share("fitted")(part).value, round(share("fitted")(part).low, 3)
    (0.75, 0.194)
    """
    return lambda part: estimate(part[name], "share")


def time(name: str, records: npt.ArrayLike, of: Kind = "mean") -> Column:
    """Column of a time that was interpolated between records.

    Examples
    --------
    The interval reaches to the records on either side of the times, because curves are not known between records:

    >>> import xarray as xr
    >>> part = xr.Dataset({"fitted_at": ("seed", [40.0, 60.0, 50.0])})
    >>> found, apart = time("fitted_at", [0, 100, 200])(part), mean("fitted_at")(part)
    >>> found.value, found.low <= 0, apart.low > 25
    (50.0, True, True)
    """
    return lambda part: estimate(within_records(part[name], records), of)


def outcomes(part: xr.Dataset, name: str = "outcome") -> str:
    """How many runs have which outcome, as text.

    Examples
    --------
    >>> outcomes(xr.Dataset({"outcome": ("seed", ["grokked", "together", "grokked"])}))
    'grokked 2, together 1'
    """
    labels, counts = np.unique(part[name].values, return_counts=True)
    return ", ".join(f"{label} {count}" for label, count in zip(labels, counts, strict=True))


def grid(
    dataset: xr.Dataset,
    rows: Mapping[str, str],
    columns: Columns,
    *,
    title: str,
    note: str = "",
    units: Mapping[str, str] | None = None,
) -> Table:
    """Table with a row for every combination of the labels of some dimensions.

    Parameters
    ----------
    dataset
        Variables over the dimensions of the rows and over ``seed``.
    rows
        Heads of the first columns by the dimension they show the labels of.
    columns
        Columns by their heads: what makes a cell of the part of the dataset at the row's labels; the name of a variable alone
        stands for `mean` of it.
    title, note
        Of the table.
    units
        Units of the numbers of a column by its head, where it has any.

    Returns
    -------
    Table
        All numbers of one column in one format.

    Examples
    --------
    >>> gap = xr.DataArray([[9.0, 9.4], [40.0, 41.0]], {"train_size": [50, 3200]}, ("train_size", "seed"))
    >>> grid(gap.to_dataset(name="gap"), {"train_size": "N"}, {"gap of L2": "gap"}, title="Gaps").rows
    (('50', '9.2 [6.7, 11.7]'), ('3200', '40.5 [34.1, 46.9]'))
    """
    labels = list(itertools.product(*(dataset[dim].values.tolist() for dim in rows)))
    parts = [dataset.sel(dict(zip(rows, where, strict=True))) for where in labels]
    heads = [[_label(label) for label in where] for where in labels]
    made = columns_of(parts, columns, units)
    body = tuple((*head, *cells) for head, cells in zip(heads, zip(*made, strict=True), strict=True)) if made else ()
    return Table(title, (*rows.values(), *columns), body, note)


def listed(
    heads: Mapping[str, Iterable[str]],
    parts: Sequence[Any],
    columns: Columns,
    *,
    title: str,
    note: str = "",
    units: Mapping[str, str] | None = None,
) -> Table:
    """Table with a row for every one of some parts, which have names instead of labels.

    Parameters
    ----------
    heads
        First columns by their heads: a name for every part.
    parts
        Datasets, or anything else that every column makes a cell of.
    columns, title, note, units
        As in `grid`.

    Examples
    --------
    >>> parts = [xr.Dataset({"loss": ("seed", values)}) for values in ([1.0, 1.2], [3.0, 3.4])]
    >>> listed({"network": ["small", "large"]}, parts, {"loss": "loss"}, title="Losses").rows
    (('small', '1.1 [-0.2, 2.4]'), ('large', '3.2 [0.7, 5.7]'))
    """
    rows = zip(*heads.values(), *columns_of(parts, columns, units), strict=True)
    return Table(title, (*heads, *columns), tuple(rows), note)


def columns_of(parts: Sequence[Any], columns: Columns, units: Mapping[str, str] | None = None) -> list[list[str]]:
    """Text of every column, a cell for every part; what `grid` does with the parts that it selects itself.

    A part is a dataset, or anything else that every column makes a cell of.

    Parameters
    ----------
    parts
        Datasets, or anything else that every column makes a cell of.
    columns, units
        As in `grid`.

    Returns
    -------
    list
        For every column the text of its cells, in the order of the parts.

    Examples
    --------
    >>> import xarray as xr
    >>> parts = [xr.Dataset({"loss": ("seed", values)}) for values in ([1.0, 1.2], [3.0, 3.4])]
    >>> columns_of(parts, {"loss": "loss", "runs": lambda part: part.sizes["seed"]})
    [['1.1 [-0.2, 2.4]', '3.2 [0.7, 5.7]'], ['2', '2']]
    """
    makers = {head: mean(column) if isinstance(column, str) else column for head, column in columns.items()}
    return [_texts([make(part) for part in parts], (units or {}).get(head, "")) for head, make in makers.items()]


def _texts(cells: Sequence[Cell], units: str) -> list[str]:
    if cells and all(isinstance(cell, float | np.floating) for cell in cells):
        return number_text([float(cell) for cell in cells if isinstance(cell, float | np.floating)], units)
    read = [estimate(cell) if isinstance(cell, xr.DataArray | Within) else cell for cell in cells]
    estimates = iter(column_text([cell for cell in read if isinstance(cell, Estimate)], units))
    return [next(estimates) if isinstance(cell, Estimate) else _label(cell) for cell in read]


def _label(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
