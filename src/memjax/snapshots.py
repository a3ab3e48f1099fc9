"""Snapshots of a sweep, one at a time, each with the run that it is of: parameters, model and the very examples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from memjax.engine.axes import Axis, cells, read_axes
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.models.adapt import with_outputs
from memjax.results.parameters import params
from memjax.spec import from_json, read_over
from memjax.types import Array, Data, Model, Params, PoolTask
from memjax.validate import draw_split

__all__ = ["Snapshot", "runs_of", "snapshots"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network at one step of its training, with what it was trained and tested on.

    Attributes
    ----------
    run
        Label of the run along every axis of the dataset.
    step
        Steps done.
    experiment
        The run's own experiment.
    params
        Parameters, as the model's ``init`` gave them; NaN if the run had diverged.
    train, test
        Examples, on the host: inputs ``[N, ...]`` (taken out of the pool, where the task has one) and targets.
    """

    run: dict[str, Any]
    step: int
    experiment: Experiment
    params: Params
    train: Data
    test: Data

    @property
    def model(self) -> Model:
        """The run's model, its outputs settled by the task."""
        return with_outputs(self.experiment.model, self.experiment.task.num_outputs)

    def outputs(self, x: np.ndarray) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        return self.model.apply(self.params, jnp.asarray(x))

    def hidden(self, x: np.ndarray) -> dict[str, Array]:
        """Activations ``[B, m]`` of every hidden layer, by name, for inputs ``x[B, ...]``.

        Raises
        ------
        InputError
            If the model cannot give them.
        """
        give = getattr(self.model, "hidden_activations", None)
        if give is None:
            raise InputError(
                f"The model {self.model!r} gives no hidden activations: add hidden_activations(params, x) to it, which gives "
                "a dict of arrays [B, m] by layer, as memjax.models.MLP has."
            )
        return give(self.params, jnp.asarray(x))


def snapshots(dataset: xr.Dataset, using: Sequence[Any] = ()) -> Iterator[Snapshot]:
    """Go through the snapshots of a sweep: run after run in the order of the axes, each from its first step to its last.

    Parameters
    ----------
    dataset
        Result of a sweep whose experiment had ``snapshots``, or a selection of its runs and snapshots.
    using
        Functions and objects of your own that the experiment names, as in `Experiment.from_json`.

    Yields
    ------
    Snapshot
        Each with the examples of its run, which are drawn again from its seeds.

    Raises
    ------
    InputError
        If there are no snapshots, or the dataset does not say what it was made from.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=4, record_every=2, train_size=8, snapshots=(0, 4), model=mj.models.MLP(hidden=(5,)))
    >>> for snapshot in mj.snapshots(mj.sweep(spec, over={"seed": [0, 1]})):
    ...     print(snapshot.run, snapshot.step, snapshot.hidden(snapshot.train.x)["layer_0"].shape)
    {'seed': 0} 0 (8, 5)
    {'seed': 0} 4 (8, 5)
    {'seed': 1} 0 (8, 5)
    {'seed': 1} 4 (8, 5)
    """
    if "parameters" not in dataset:
        raise InputError("The dataset holds no parameters: name the steps to keep in Experiment(snapshots=...).")
    for run, experiment in runs_of(dataset, using):
        train, test = _examples(experiment)
        for step in np.atleast_1d(dataset["snapshot"].values).tolist():
            if step in experiment.snapshots:
                yield Snapshot(run, step, experiment, params(dataset, run, step), train, test)


def runs_of(dataset: xr.Dataset, using: Sequence[Any] = ()) -> Iterator[tuple[dict[str, Any], Experiment]]:
    """Labels and experiment of every run of a dataset, in the order of the axes of the sweep."""
    try:
        experiment = from_json(dataset.attrs["experiment"], using)
        axes = read_axes(read_over(json.loads(dataset.attrs["over"]), using))
    except KeyError as missing:
        raise InputError(
            f"The dataset has no attribute {missing}, so it does not say what its runs are: use one that memjax.sweep gave."
        ) from None
    labels = [axis.coords()[axis.dim].tolist() for axis in axes]
    kept = [_kept(dataset, axis, known) for axis, known in zip(axes, labels, strict=True)]
    for index in np.ndindex(*(len(places) for places in kept)):
        cell = tuple(places[i] for places, i in zip(kept, index, strict=True))
        ((_, run),) = cells(experiment, axes, [cell])
        named = {axis.dim: known[i] for axis, known, i in zip(axes, labels, cell, strict=True)}
        yield {dim: label for dim, label in named.items() if dim in dataset.dims}, run


def _kept(dataset: xr.Dataset, axis: Axis, known: list[Any]) -> list[int]:
    """Places along an axis of the sweep that a selection still has."""
    if axis.dim not in dataset.coords:
        raise InputError(
            f"The dataset lost its axis {axis.dim!r}, so its runs are no longer those of the sweep: measure snapshots before "
            "averaging, and select without drop=True."
        )
    return [known.index(label) for label in np.atleast_1d(dataset[axis.dim].values).tolist()]


def _examples(experiment: Experiment) -> tuple[Data, Data]:
    split = draw_split(experiment)
    if not isinstance(experiment.task, PoolTask):
        return split.train, split.test
    pool = experiment.task.pool
    train, test = (Data(pool[part.x], part.y) for part in split)
    return train, test
