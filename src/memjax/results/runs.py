"""The runs of a sweep, and the networks that are kept of them, as flat parameters without examples."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from memjax.engine.program.outcome import BEST_STEP
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.axes import Axis, cells, read_axes
from memjax.experiment.read import read_over
from memjax.results.best import holds_best
from memjax.results.carried import carried
from memjax.results.parameters import require_snapshots

__all__ = ["Network", "check_parameters", "networks", "runs_of"]


class Network(NamedTuple):
    """One network of a run as the Dataset keeps it: its labels, steps done, experiment, flat parameters, swept values."""

    run: dict[str, Any]
    step: int
    experiment: Experiment
    parameters: np.ndarray
    swept: dict[str, Any]


def networks(dataset: xr.Dataset, using: Sequence[Any] = ()) -> Iterator[Network]:
    """Every network that a Dataset keeps, run after run in the order of the axes, and in each run by step.

    Networks of one run share their experiment. Raises `InputError` as `memjax.snapshots`.
    """
    require_snapshots(dataset)
    kept = dataset["parameters"]
    if "snapshot" not in kept.dims:
        kept = kept.expand_dims("snapshot")
    dims = [str(dim) for dim in kept.dims if dim not in ("snapshot", "parameter_index")]
    places = {dim: {label: i for i, label in enumerate(dataset[dim].values.tolist())} for dim in dims}
    values = kept.transpose(*dims, "snapshot", ...).values
    of_best = dataset[BEST_STEP].transpose(*dims).values if holds_best(dataset) else None
    for run, swept, experiment in runs_of(dataset, using):
        cell = tuple(places[dim][run[dim]] for dim in dims)
        steps = kept["snapshot"].values.tolist() if of_best is None else [int(of_best[cell])]
        for step, flat in zip(steps, values[cell], strict=True):
            if (of_best is not None or step in experiment.snapshots) and np.isfinite(flat).any():
                yield Network(run, step, experiment, flat, swept)


def check_parameters(flat: np.ndarray, size: int) -> None:
    """Raise `InputError` where a Dataset keeps another number of parameters than the ``size`` that a model draws."""
    if size > len(flat) or np.isfinite(flat[size:]).any():
        raise InputError(
            f"The dataset keeps other parameters than the {size} that the model draws: it was changed since, or the "
            "objects in using are not those that were trained."
        )


def runs_of(
    dataset: xr.Dataset, using: Sequence[Any] = ()
) -> Iterator[tuple[dict[str, Any], dict[str, Any], Experiment]]:
    """Labels, swept values and experiment of every run of a dataset, in the order of the axes of the sweep.

    The labels are those of the dataset's dimensions, which `xarray.Dataset.sel` takes. The swept values are of all fields, also
    of those that move together along one axis.
    """
    using = (*using, *carried(dataset))
    try:
        experiment = Experiment.from_json(dataset.attrs["experiment"], using)
        axes = read_axes(read_over(json.loads(dataset.attrs["over"]), using))
    except KeyError as missing:
        raise InputError(
            f"The dataset has no attribute {missing}, so it does not say what its runs are: use one that memjax.sweep gave."
        ) from None
    columns = [{name: values.tolist() for name, values in axis.coords().items()} for axis in axes]
    labels = [own[axis.dim] for axis, own in zip(axes, columns, strict=True)]
    kept = [_kept_positions(dataset, axis, known) for axis, known in zip(axes, labels, strict=True)]
    for cell, run in cells(experiment, axes, itertools.product(*kept)):
        swept = {name: values[i] for own, i in zip(columns, cell, strict=True) for name, values in own.items()}
        yield {axis.dim: swept[axis.dim] for axis in axes if axis.dim in dataset.dims}, swept, run


def _kept_positions(dataset: xr.Dataset, axis: Axis, known: list[Any]) -> list[int]:
    """Positions along an axis of the sweep that a selection still contains."""
    if axis.dim not in dataset.coords or dataset[axis.dim].dims not in ((axis.dim,), ()):
        raise InputError(
            f"The dataset lost its axis {axis.dim!r}, so its runs are no longer those of the sweep: measure snapshots before "
            "averaging or stacking, and select without drop=True."
        )
    labels = np.atleast_1d(dataset[axis.dim].values).tolist()
    if set(labels) - set(known) or len(set(labels)) < len(labels):
        raise InputError(
            f"The axis {axis.dim!r} of the dataset has the labels {labels}, but the sweep that it says it is of has "
            f"{known}: measure each sweep by itself, with every run once."
        )
    return [known.index(label) for label in labels]
