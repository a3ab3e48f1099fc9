"""`memjax.table`: what a sweep recorded of each run at each step, as a tidy pandas DataFrame."""

from __future__ import annotations

import json

import pandas as pd
import xarray as xr

from memjax.errors import InputError

__all__ = ["axes_of", "rows_of", "table"]

_TIMES = ("step", "snapshot")
_OF_PARAMETERS = ("parameters", "best_parameters", "parameter_index", "parameter_layout")


def table(dataset: xr.Dataset) -> pd.DataFrame:
    """Make a tidy table of a sweep: one row for each run and each recorded step, one column for each quantity.

    Parameters
    ----------
    dataset
        Result of `memjax.sweep`, `memjax.open`, `memjax.measure` or `memjax.best`, or a selection of its runs and steps.

    Returns
    -------
    pandas.DataFrame
        Rows follow the order of the dataset: the last axis changes faster than the first one, and the step changes fastest.
        Columns, from left to right:

        - the axes of the sweep, and what moves together with an axis, under the names that the dataset gives them;
        - ``step``, or ``snapshot`` for what `memjax.measure` took;
        - ``status``, ``stop_step``, ``stop_reason``, ``num_parameters`` and other coordinates of runs;
        - every variable with one number for each run, or for each run and step. The number of a run stands in all its rows.

        Without steps, as after ``dataset.isel(step=-1)``, there is one row for each run. An axis of which one value was
        selected stays as a column. A run has a row at every step of the dataset, and its numbers are NaN at steps that the
        run did not record or did not reach.

        ``table.attrs["left_out"]`` is a dict of the variables and coordinates with further dimensions (layers, classes or
        single examples), which a row has no place for: their names, and a list of these dimensions. Parameters are neither a
        column nor listed there.

    Raises
    ------
    InputError
        If the dataset is not of a sweep, its runs are no longer along the axes of the sweep, an axis or the steps have lost
        their labels, or no variable has one number for each run or for each run and step.

    Examples
    --------
    >>> import memjax as mj
    >>> ds = mj.sweep(mj.Experiment(steps=2, record_every=1, train_size=8), over={"seed": [0, 1]})
    >>> frame = mj.table(ds)
    >>> frame[["seed", "step", "status", "train_loss"]].round(2)
       seed  step    status  train_loss
    0     0     0  finished        2.90
    1     0     1  finished        2.84
    2     0     2  finished        2.78
    3     1     0  finished        2.89
    4     1     1  finished        2.84
    5     1     2  finished        2.79
    >>> mj.table(ds.isel(step=-1)).groupby("status").train_loss.mean().round(2).to_dict()
    {'finished': 2.79}
    """
    axes = axes_of(dataset, "table")
    rows = rows_of(dataset, axes)
    names = [str(name) for name in (*dataset.coords, *dataset.data_vars) if name not in _OF_PARAMETERS]
    further = {name: [str(dim) for dim in dataset[name].dims if dim not in rows] for name in names}
    kept = [name for name in names if not further[name]]
    _require_numbers(dataset, kept, further)
    _require_labels(dataset, rows, axes)
    sizes = {dim: dataset.sizes[dim] for dim in rows}
    order = {name: place for place, name in enumerate([*axes, *_TIMES])}
    # Sorting is stable, so that what is neither an axis nor a step keeps the order of the dataset.
    kept.sort(key=lambda name: order.get(name, len(order)))
    columns = {name: dataset[name].variable.set_dims(sizes).values.ravel() for name in kept}
    frame = pd.DataFrame(columns)
    # A dimension of the dataset labels itself, and has no table of its own.
    frame.attrs["left_out"] = {name: dims for name, dims in further.items() if dims and name not in dataset.dims}
    return frame


def axes_of(dataset: xr.Dataset, caller: str) -> list[str]:
    """Names of all coordinates of the axes of the sweep; raises `InputError` where a dataset is of no sweep.

    Errors name the function ``caller`` that was given the dataset.
    """
    if not isinstance(dataset, xr.Dataset):
        raise InputError(
            f"{caller} got an object of type {type(dataset).__name__}: give the Dataset that memjax.sweep or memjax.open "
            "returned, or that memjax.measure made of it."
        )
    if "axes" not in dataset.attrs:
        raise InputError(
            "The dataset has no attribute 'axes', so it does not say what its runs are: use one that memjax.sweep gave, and "
            "keep its attributes, as in dataset.mean('seed', keep_attrs=True)."
        )
    axes = list(json.loads(dataset.attrs["axes"]))
    lost = [str(dim) for dim in dataset["status"].dims if dim not in axes] if "status" in dataset.coords else []
    if lost:
        raise InputError(
            f"The runs of the dataset are along {lost[0]!r}, which is no axis of its sweep: call {caller} before "
            "stacking or renaming axes."
        )
    return axes


def rows_of(dataset: xr.Dataset, axes: list[str]) -> list[str]:
    """Dimensions of the rows: the axes, then ``step`` or else ``snapshot``, where a variable has them."""
    measured = [array.dims for name, array in dataset.data_vars.items() if name not in _OF_PARAMETERS]
    time = next((time for time in _TIMES if any(time in dims for dims in measured)), None)
    return [str(dim) for dim in dataset.dims if dim in axes] + ([time] if time else [])


def _require_numbers(dataset: xr.Dataset, kept: list[str], further: dict[str, list[str]]) -> None:
    """Raise `InputError` where a dataset has variables, and a row has a place for none of them."""
    names = [name for name in further if name in dataset.data_vars]
    if names and not set(names) & set(kept):
        raise InputError(
            f"Every variable of the dataset has further dimensions, such as {names[0]!r} with {further[names[0]][0]!r}: "
            "average over them or select along them first, so that each run has one number."
        )


def _require_labels(dataset: xr.Dataset, rows: list[str], axes: list[str]) -> None:
    """Raise `InputError` where rows would not say of which run or step they are."""
    labelled = {dim for name in (*axes, *_TIMES) if name in dataset.coords for dim in dataset[name].dims}
    lost = next((dim for dim in rows if dim not in labelled), None)
    if lost is not None:
        raise InputError(
            f"The dimension {lost!r} has no labels, so that no row would say which {lost} it is of: keep the coordinate "
            f"{lost!r}, or number its {dataset.sizes[lost]} places with "
            f"dataset.assign_coords({lost}=range({dataset.sizes[lost]}))."
        )
