"""Go through the snapshots of a sweep: each has its run, its parameters, its model, and the run's own examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import xarray as xr

from memjax.engine.program.initial import initial_parameters
from memjax.engine.program.program import model_of
from memjax.engine.program.program_of import program_of
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.draw import draw_data
from memjax.experiment.rows import chosen, of_rows, row_numbers
from memjax.experiment.start import Start
from memjax.fields import without_numbers
from memjax.jax_settings import host_dtype
from memjax.parameter_trees import tree_like
from memjax.results.forward import forward
from memjax.results.runs import Network, check_parameters, networks
from memjax.types import Array, Data, Model, Params, PoolTask, Split

__all__ = ["Loader", "Snapshot", "snapshots"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network at one step of its training, with its train and test examples.

    Attributes
    ----------
    run
        Label of the run along every axis of the dataset, which ``ds.sel`` takes.
    step
        Number of steps done.
    experiment
        The experiment of this run.
    params
        Parameters, in the structure of the model's ``init``.
    train, test
        Examples on the host: inputs ``[N, ...]`` (for a task with a pool, inputs from the pool) and targets.
    places
        Positions ``int[N]`` of the train examples in the run's data set; None if the run has no subset.
    train_rows, test_rows
        Numbers ``int[N]`` of the train and test examples: indices into the task's pool, or else places in the draw.
    swept
        Value of every swept field of the run, also of fields that move together along one axis.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=4, record_every=2, train_size=8, snapshots=(4,))
    >>> ds = mj.sweep(spec, over={"seed": [0]})
    >>> (last,) = mj.snapshots(ds)
    >>> last.run, last.step, last.outputs(last.train.x).shape
    ({'seed': 0}, 4, (8, 17))
    >>> right = last.outputs(last.train.x).argmax(-1) == last.train.y
    >>> float(right.mean()) == ds.train_accuracy.sel(seed=0, step=4).item()
    True
    """

    run: dict[str, Any]
    step: int
    experiment: Experiment
    params: Params
    train: Data
    test: Data
    places: np.ndarray | None = None
    train_rows: np.ndarray | None = None
    test_rows: np.ndarray | None = None
    swept: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> Model:
        """The run's model, with what the task and the train size leave no choice about."""
        return model_of(self.experiment)

    @property
    def start(self) -> Start:
        """The parameters as the ``start`` of another experiment."""
        place = ", ".join(f"{dim}={label}" for dim, label in {**self.run, "step": self.step}.items())
        return Start.of(self.params, place)

    @property
    def initial(self) -> Params:
        """The initial parameters of the run, drawn again from its seeds, or its ``start``: a tree like ``params``."""
        return initial_parameters(program_of(self.experiment, self.train), self.experiment)

    def outputs(self, x: np.ndarray) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``, in the dtype of the model."""
        return forward(self.model, "apply", self.params, x)

    def hidden(self, x: np.ndarray) -> dict[str, Array]:
        """Activations ``[B, m]`` of every hidden layer, by layer name, for inputs ``x[B, ...]``.

        Raises
        ------
        InputError
            If the model does not provide hidden activations.
        """
        if not hasattr(self.model, "hidden_activations"):
            raise InputError(
                f"The model {self.model!r} gives no hidden activations: add hidden_activations(params, x) to it, which gives "
                "a dict of arrays [B, m] by layer, as memjax.models.MLP has."
            )
        return forward(self.model, "hidden_activations", self.params, x)


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
    load = Loader()
    for network in networks(dataset, using):
        yield load(network)


class Loader:
    """Makes snapshots of networks: draws examples once per run, and shapes of parameters once per structure.

    Networks of one run must come one after another: only the examples of the last run are kept.
    """

    def __init__(self) -> None:
        self._shapes: dict[Any, Any] = {}
        self._last: tuple[Experiment, _Examples] | None = None

    def __call__(self, network: Network) -> Snapshot:
        """The snapshot of a network; raises `InputError` if the parameters are not those of the model."""
        run, step, experiment, flat, swept = network
        (train, test), places, numbers = self._examples(experiment)
        like = self._like(experiment, train.x)
        check_parameters(flat, sum(leaf.size for leaf in jax.tree.leaves(like)))
        return Snapshot(run, step, experiment, tree_like(like, flat), train, test, places, *numbers, swept)

    def _examples(self, experiment: Experiment) -> _Examples:
        if self._last is None or self._last[0] is not experiment:
            self._last = experiment, _examples(experiment)
        return self._last[1]

    def _like(self, experiment: Experiment, x: np.ndarray) -> Any:
        """Shape structs of the parameters that the model of a run draws for inputs ``x[N, ...]``."""
        model = model_of(experiment)
        key = without_numbers(model), x.shape[1:], host_dtype(x.dtype)
        try:
            if key not in self._shapes:
                self._shapes[key] = _drawn(model, *key[1:])
            return self._shapes[key]
        except TypeError:  # A model without a hash.
            return _drawn(model, *key[1:])


def _drawn(model: Model, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    inputs: Any = jax.ShapeDtypeStruct((1, *shape), dtype)
    return jax.eval_shape(model.init, jax.eval_shape(lambda: jax.random.key(0)), inputs)


_Examples = tuple[Split, np.ndarray | None, tuple[np.ndarray, np.ndarray]]
"""Examples of a run, its subset, and the row numbers of its train and test examples."""


def _examples(experiment: Experiment) -> _Examples:
    """Examples of a run, with the pool's inputs in place of indices."""
    drawn = draw_data(experiment)
    places = None if experiment.subset is None else chosen(experiment, drawn.train)
    split = drawn if places is None else of_rows(drawn, places)
    rows = row_numbers(experiment, drawn.train), row_numbers(experiment, drawn.test)
    numbers = rows[0] if places is None else rows[0][places], rows[1]
    if not isinstance(experiment.task, PoolTask):
        return split, places, numbers
    pool = experiment.task.pool
    return Split(*(Data(pool[part.x], part.y) for part in split)), places, numbers
