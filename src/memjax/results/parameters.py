"""Snapshots: parameters of every run at chosen steps, stored flat in the Dataset and read back as trees."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from memjax.errors import InputError, listing
from memjax.parameter_trees import nested
from memjax.results.best import holds_best

__all__ = ["params", "require_snapshots"]

_OWN_DIMS = ("snapshot", "parameter_index")


def require_snapshots(dataset: Any) -> None:
    """Raise `InputError` unless the dataset holds parameters and their steps."""
    if not isinstance(dataset, xr.Dataset):
        raise InputError(
            f"The dataset is of type {type(dataset).__name__}: give what memjax.sweep or memjax.open returned."
        )
    if "parameters" not in dataset:
        kept = "best_parameters" in dataset
        raise InputError(
            "The dataset holds no snapshots, but the best network of each run: give memjax.best(dataset)."
            if kept
            else "The dataset holds no parameters: name the steps to keep in Experiment(snapshots=...)."
        )
    if "snapshot" not in dataset.coords and not holds_best(dataset):
        raise InputError("The dataset lost its coordinate 'snapshot': select snapshots without drop=True.")


def params(dataset: xr.Dataset, run: Mapping[str, Any] | None = None, step: int | Sequence[int] | None = None) -> Any:
    """Parameters of runs at snapshots, as trees aligned with the dataset.

    Parameters
    ----------
    dataset
        Result of a sweep whose experiment had ``snapshots``, or what `memjax.best` gave.
    run
        Labels along some of the axes, such as ``{"train_size": 50, "seed": 0}``. The other axes become the first axes of
        every array, in the order of the dataset.
    step
        Step of the snapshot; None takes the last one. Several steps add an axis after the axes of the runs. The networks of
        `memjax.best` have a step of their own each, so that ``step`` must be None.

    Returns
    -------
    dict or numpy.ndarray
        Nested dicts of arrays ``[axes..., steps, ...]`` in the structure of the model's ``init``, or one array. Lists and
        tuples come back as dicts by position. NaN for a run that had diverged by that step, has no snapshot there, or has
        not reached the step.

    Raises
    ------
    InputError
        If there are no snapshots, a step has none, a label is not in the dataset, or the selected runs have parameters of
        different shapes.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=2, record_every=1, train_size=8, snapshots=(0, 2), model=mj.models.MLP(hidden=(4,)))
    >>> ds = mj.sweep(spec, over={"seed": [0, 1, 2]})
    >>> mj.params(ds, {"seed": 1}, step=2)["layer_0"]["kernel"].shape
    (9, 4)
    >>> mj.params(ds, step=[0, 2])["layer_0"]["kernel"].shape
    (3, 2, 9, 4)
    """
    require_snapshots(dataset)
    chosen = _runs_at(dataset, _labels(dataset, run), _steps(dataset, step))
    flat, which = chosen["parameters"], np.unique(chosen["parameter_layout"])
    which = which[which >= 0]
    if not len(which):
        raise InputError(f"No run with the labels {run!r} has come to a snapshot yet.")
    if len(which) != 1:
        axes = list(map(str, chosen["parameter_layout"].dims))
        raise InputError(
            f"The runs have parameters of different shapes: name labels along {axes} until those that are left agree."
        )
    try:
        layouts = json.loads(flat.attrs["layouts"])
        return nested(_ordered(flat).values, layouts[int(which[0])])
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as problem:
        raise InputError(
            f"The layouts of the parameters are damaged: {problem}. Use another copy of the file."
        ) from problem


def _ordered(flat: xr.DataArray) -> xr.DataArray:
    """Transpose to runs, then snapshots, then parameters."""
    last = [dim for dim in _OWN_DIMS if dim in flat.dims]
    return flat.transpose(..., *last)


def _labels(dataset: xr.Dataset, run: Mapping[str, Any] | None) -> dict[str, Any]:
    axes = [str(dim) for dim in dataset["parameters"].dims if dim not in _OWN_DIMS]
    labels = {} if run is None else run
    if not isinstance(labels, Mapping) or set(labels) - set(axes) or not all(map(np.isscalar, labels.values())):
        raise InputError(f"run is {run!r}: give a dict with one label along any of the axes {axes}.")
    return dict(labels)


def _steps(dataset: xr.Dataset, step: int | Sequence[int] | None) -> Any:
    if holds_best(dataset):
        if step is not None:
            raise InputError(
                f"step is {step!r}, but the best network of each run has a step of its own: leave step out."
            )
        return None
    kept = dataset["snapshot"].values.tolist()
    kept = kept if isinstance(kept, list) else [kept]
    steps = kept[-1] if step is None else np.asarray(step).tolist()
    for one in steps if isinstance(steps, list) else [steps]:
        if one not in kept:
            raise InputError(f"There is no snapshot of step {one!r}: the dataset holds {listing(kept)}.")
    return steps


def _runs_at(dataset: xr.Dataset, labels: dict[str, Any], steps: Any) -> xr.Dataset:
    at = {"snapshot": steps} if "snapshot" in dataset["parameters"].dims else {}
    try:
        return dataset[["parameters", "parameter_layout"]].sel(**at, **labels)
    except KeyError as missing:
        raise InputError(f"There is no run with the labels {labels!r}: {missing} is not in the dataset.") from None
