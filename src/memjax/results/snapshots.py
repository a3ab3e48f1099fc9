"""Go through the snapshots of a sweep: each has its run, its parameters, its model, and the run's own examples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.axes import Axis, cells, read_axes
from memjax.experiment.draw import draw_split
from memjax.experiment.read import read_over
from memjax.experiment.start import Start
from memjax.jax_settings import host_dtype
from memjax.models.adapt import with_outputs
from memjax.parameter_trees import tree_like
from memjax.results.carried import carried
from memjax.results.parameters import require_snapshots
from memjax.types import Array, Data, Model, Params, PoolTask

__all__ = ["Snapshot", "runs_of", "snapshots"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network at one step of its training, with its train and test examples.

    Attributes
    ----------
    run
        Label of the run along every axis of the dataset.
    step
        Number of steps done.
    experiment
        The experiment of this run.
    params
        Parameters, in the structure of the model's ``init``.
    train, test
        Examples on the host: inputs ``[N, ...]`` (for a task with a pool, inputs from the pool) and targets.
    """

    run: dict[str, Any]
    step: int
    experiment: Experiment
    params: Params
    train: Data
    test: Data

    @property
    def model(self) -> Model:
        """The run's model, with the number of outputs that the task needs."""
        return with_outputs(self.experiment.model, self.experiment.task.num_outputs)

    @property
    def start(self) -> Start:
        """The parameters as the ``start`` of another experiment."""
        place = ", ".join(f"{dim}={label}" for dim, label in {**self.run, "step": self.step}.items())
        return Start.of(self.params, place)

    def outputs(self, x: np.ndarray) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``, in the dtype of the model."""
        return self.model.apply(jax.tree.map(jnp.asarray, self.params), jnp.asarray(x))

    def hidden(self, x: np.ndarray) -> dict[str, Array]:
        """Activations ``[B, m]`` of every hidden layer, by layer name, for inputs ``x[B, ...]``.

        Raises
        ------
        InputError
            If the model does not provide hidden activations.
        """
        give = getattr(self.model, "hidden_activations", None)
        if give is None:
            raise InputError(
                f"The model {self.model!r} gives no hidden activations: add hidden_activations(params, x) to it, which gives "
                "a dict of arrays [B, m] by layer, as memjax.models.MLP has."
            )
        return give(jax.tree.map(jnp.asarray, self.params), jnp.asarray(x))


def snapshots(dataset: xr.Dataset, using: Sequence[Any] = ()) -> Iterator[Snapshot]:
    """Go through the snapshots of a sweep, run after run in the order of the axes, and in each run by step.

    Steps without a network are omitted: steps without a snapshot, steps that a run has not reached, and steps after it
    diverged.

    Parameters
    ----------
    dataset
        Result of a sweep whose experiment had ``snapshots``, or a selection of its runs and snapshots.
    using
        Your own functions and objects that the experiment names, as in `Experiment.from_json`. They are needed only for a
        dataset that was read from a file; a dataset in memory carries them.

    Yields
    ------
    Snapshot
        Each snapshot has the examples of its run, which are drawn again from the seeds.

    Raises
    ------
    InputError
        If there are no snapshots, or the dataset lacks the attributes that describe its experiment.

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
    require_snapshots(dataset)
    for run, experiment in runs_of(dataset, using):
        kept = [(step, flat) for step, flat in _parameters(dataset, run) if step in experiment.snapshots]
        if not kept:
            continue
        train, test = _examples(experiment)
        like = _drawn(experiment, train.x)
        for step, flat in kept:
            yield Snapshot(run, step, experiment, _tree(like, flat), train, test)


def _parameters(dataset: xr.Dataset, run: dict[str, Any]) -> Iterator[tuple[int, np.ndarray]]:
    """Steps at which a run has parameters, each with the flat parameters."""
    one = dataset["parameters"].sel(run)
    one = one if "snapshot" in one.dims else one.expand_dims("snapshot")
    for step, flat in zip(one["snapshot"].values.tolist(), one.transpose("snapshot", ...).values, strict=True):
        if np.isfinite(flat).any():
            yield step, flat


def _drawn(experiment: Experiment, x: np.ndarray) -> Any:
    """Shape structs of the parameters that the model of a run draws for inputs ``x[N, ...]``."""
    model = with_outputs(experiment.model, experiment.task.num_outputs)
    inputs: Any = jax.ShapeDtypeStruct((1, *x.shape[1:]), host_dtype(x.dtype))
    return jax.eval_shape(model.init, jax.eval_shape(lambda: jax.random.key(0)), inputs)


def _tree(like: Any, flat: np.ndarray) -> Params:
    """Flat parameters of one run as a tree with the structure, shapes and dtypes of ``like``."""
    size = sum(leaf.size for leaf in jax.tree.leaves(like))
    if size > len(flat) or np.isfinite(flat[size:]).any():
        raise InputError(
            f"The dataset keeps other parameters than the {size} that the model draws: it was changed since, or the "
            "objects in using are not those that were trained."
        )
    return tree_like(like, flat)


def runs_of(dataset: xr.Dataset, using: Sequence[Any] = ()) -> Iterator[tuple[dict[str, Any], Experiment]]:
    """Labels and experiment of every run of a dataset, in the order of the axes of the sweep."""
    using = (*using, *carried(dataset))
    try:
        experiment = Experiment.from_json(dataset.attrs["experiment"], using)
        axes = read_axes(read_over(json.loads(dataset.attrs["over"]), using))
    except KeyError as missing:
        raise InputError(
            f"The dataset has no attribute {missing}, so it does not say what its runs are: use one that memjax.sweep gave."
        ) from None
    labels = [axis.coords()[axis.dim].tolist() for axis in axes]
    kept = [_kept_positions(dataset, axis, known) for axis, known in zip(axes, labels, strict=True)]
    for index in np.ndindex(*(len(places) for places in kept)):
        cell = tuple(places[i] for places, i in zip(kept, index, strict=True))
        ((_, run),) = cells(experiment, axes, [cell])
        named = {axis.dim: known[i] for axis, known, i in zip(axes, labels, cell, strict=True)}
        yield {dim: label for dim, label in named.items() if dim in dataset.dims}, run


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


def _examples(experiment: Experiment) -> tuple[Data, Data]:
    split = draw_split(experiment)
    if not isinstance(experiment.task, PoolTask):
        return split.train, split.test
    pool = experiment.task.pool
    train, test = (Data(pool[part.x], part.y) for part in split)
    return train, test
