"""Snapshots: parameters of every run at chosen steps, flat in the Dataset and back as trees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from memjax.engine.result import BlockResult, Layout
from memjax.errors import InputError, listing
from memjax.results.schema import coordinate_attrs

__all__ = ["add_snapshots", "params"]


def add_snapshots(
    dataset: xr.Dataset,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    blocks: Sequence[tuple[Sequence[tuple[int, ...] | None], BlockResult]],
) -> xr.Dataset:
    """Add ``parameters`` with the dimensions ``snapshot`` and ``parameter_index``, NaN where a run has none."""
    steps = sorted({step for _, result in blocks for step in result.snapshots})
    if not steps:
        return dataset
    flats = [flat for _, result in blocks for flat in result.snapshots.values()]
    longest = max(flat.shape[1] for flat in flats)
    values = np.full((*shape, len(steps), longest), np.nan, flats[0].dtype)
    layouts: list[Layout] = []
    which = np.zeros(shape, np.int32)
    for cells, result in blocks:
        if result.snapshots and result.layout not in layouts:
            layouts.append(result.layout)
        for i, cell in enumerate(cells):
            if cell is None or not result.snapshots:
                continue
            which[cell] = layouts.index(result.layout)
            for step, flat in result.snapshots.items():
                values[cell][steps.index(step), : flat.shape[1]] = flat[i]
    dataset = dataset.assign_coords(
        snapshot=("snapshot", np.array(steps), coordinate_attrs("snapshot")),
        parameter_layout=(dims, which, {"long_name": "which entry of the layouts of parameters the run has"}),
    )
    attrs = {"long_name": "parameters, flattened", "units": "1", "layouts": json.dumps(layouts)}
    dataset["parameters"] = ((*dims, "snapshot", "parameter_index"), values, attrs)
    return dataset


def params(dataset: xr.Dataset, step: int | None = None, **run: Any) -> Any:
    """Parameters of one run at one snapshot.

    Parameters
    ----------
    dataset
        Result of a sweep whose experiment had ``snapshots``.
    step
        Step of the snapshot; None is the last one.
    run
        Label of the run along every axis, such as ``train_size=50, seed=0``.

    Returns
    -------
    dict or numpy.ndarray
        Nested dicts of arrays, as the model's ``init`` gave them, or its one array; lists and tuples come back as dicts by
        position. NaN for a run that had diverged by that step.

    Raises
    ------
    InputError
        If there are no snapshots, the step was not kept, or the labels do not pick one run.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=2, record_every=1, train_size=8, snapshots=(0, 2), model=mj.models.MLP(hidden=(4,)))
    >>> ds = mj.sweep(spec, over={"seed": [0, 1]})
    >>> mj.params(ds, step=2, seed=1)["layer_0"]["kernel"].shape
    (9, 4)
    """
    if "parameters" not in dataset:
        raise InputError("The dataset holds no parameters: name the steps to keep in Experiment(snapshots=...).")
    kept = dataset["snapshot"].values.tolist()
    step = kept[-1] if step is None else step
    if step not in kept:
        raise InputError(f"There is no snapshot of step {step!r}: the dataset holds {listing(kept)}.")
    axes = [dim for dim in dataset["parameters"].dims if dim not in ("snapshot", "parameter_index")]
    if sorted(run) != sorted(map(str, axes)) or not all(np.isscalar(label) for label in run.values()):
        raise InputError(f"Name one run by its labels along {axes}; got {run!r}.")
    try:
        one = dataset[["parameters", "parameter_layout"]].sel(snapshot=step, **run)
    except KeyError as missing:
        raise InputError(f"There is no run with the labels {run!r}: {missing} is not in the dataset.") from None
    try:
        layouts = json.loads(dataset["parameters"].attrs["layouts"])
        return _unflatten(one["parameters"].values, layouts[int(one["parameter_layout"])])
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as problem:
        raise InputError(
            f"The layouts of the parameters are damaged: {problem}. Use another copy of the file."
        ) from problem


def _unflatten(flat: np.ndarray, layout: Layout) -> Any:
    if layout and not layout[0][0]:
        return flat[: int(np.prod(layout[0][1]))].reshape(layout[0][1])
    tree: dict[str, Any] = {}
    start = 0
    for path, shape in layout:
        size = int(np.prod(shape))
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = flat[start : start + size].reshape(shape)
        start += size
    return tree
