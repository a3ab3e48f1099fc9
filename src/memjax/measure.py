"""`memjax.measure`: measures on the snapshots of a sweep, as a Dataset aligned with the sweep."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import xarray as xr

from memjax.checks.values import takes_one
from memjax.engine.training.record import record
from memjax.engine.training.train_runs import train_runs
from memjax.errors import InputError
from memjax.measures import BUILT_IN, Measure
from memjax.measures.names import as_measures
from memjax.measures.recorded.loss import step_loss
from memjax.results.aligned import Row, aligned
from memjax.results.snapshots import Snapshot, snapshots
from memjax.types import Estimator, Split

__all__ = ["measure"]

OnSnapshot = Callable[[Snapshot], Mapping[str, Any]]


def measure(
    dataset: xr.Dataset,
    measures: Iterable[str | Measure | Estimator | Callable[..., Any]],
    *,
    using: Sequence[Any] = (),
) -> xr.Dataset:
    """Take measures on every snapshot of a sweep.

    Parameters
    ----------
    dataset
        Result of a sweep whose experiment had ``snapshots``, or a selection of its runs and snapshots.
    measures
        Three kinds. (1) All that an experiment can record: names of built-in measures, `memjax.measures.Measure` objects,
        and functions ``(params, apply, examples)``. (2) Functions of one `memjax.Snapshot`, such as
        `memjax.measures.dimensionality` makes. They run on the host and return a dict by name, whose values are numbers,
        pairs ``(dims, array)``, or DataArrays. (3) Estimators of all snapshots at once, such as `memjax.measures.llc`:
        objects with a method ``on_all(snapshots, train)`` that returns such a dict for each snapshot, where
        ``train(experiments)`` trains any list of runs as one packed batch.
    using
        Your own functions and objects that the experiment names, as in `memjax.Experiment.from_json`. They are needed only
        for a dataset that was read from a file; a dataset in memory carries them.

    Returns
    -------
    xr.Dataset
        Dimensions: the axes of the sweep, ``snapshot``, then the dimensions of the measures. Where lengths differ between
        runs, as numbers of examples do, shorter values end in NaN. A snapshot that a run does not have is NaN.

    Raises
    ------
    InputError
        If there are no snapshots, an entry is not a measure, or a function returns anything else.

    Examples
    --------
    >>> import numpy as np
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=4, record_every=2, train_size=8, snapshots=(0, 4), model=mj.models.MLP(hidden=(5,)))
    >>> ds = mj.sweep(spec, over={"seed": [0, 1]})
    >>> def largest_output(snapshot):
    ...     return {"largest_output": float(snapshot.outputs(snapshot.test.x).max())}
    >>> found = mj.measure(ds, ["loss", largest_output])
    >>> found.largest_output.dims, bool(np.allclose(found.test_loss, ds.test_loss.sel(step=[0, 4])))
    (('seed', 'snapshot'), True)
    """
    functions, estimators = _sorted(measures)
    found = snapshots(dataset, using)
    if not estimators:
        return aligned(dataset, [_row(functions, snapshot) for snapshot in found])
    held = list(found)
    rows = [_row(functions, snapshot) for snapshot in held]
    for estimator in estimators if held else ():
        for row, values in zip(rows, _estimates(estimator, held), strict=True):
            row.values.extend(values)
    return aligned(dataset, rows)


def _row(functions: Iterable[OnSnapshot], snapshot: Snapshot) -> Row:
    values = [part for function in functions for part in _named(function, function(snapshot))]
    return Row(snapshot.run, snapshot.step, values)


def _estimates(estimator: Estimator, held: Sequence[Snapshot]) -> Iterable[Iterable[tuple[str, Any]]]:
    """Values of every snapshot from an estimator of all snapshots at once."""
    found = estimator.on_all(held, train_runs)
    if not isinstance(found, Sequence) or len(found) != len(held):
        raise InputError(
            f"{estimator!r} gave {type(found).__name__} for {len(held)} snapshots: on_all must give a list, one dict "
            "for each."
        )
    return [_named(estimator, values) for values in found]


def _sorted(measures: Any) -> tuple[list[OnSnapshot], list[Estimator]]:
    """Sort measures into functions of one snapshot, with one function for all recordable measures, and estimators."""
    if isinstance(measures, str) or not isinstance(measures, Iterable):
        raise InputError(f"measures is {measures!r}: give a list of them.")
    on_snapshot: list[Any] = []
    recorded: list[Any] = []
    estimators: list[Estimator] = []
    for one in measures:
        if isinstance(one, Estimator) and not isinstance(one, type):
            estimators.append(one)
        else:
            (on_snapshot if not isinstance(one, str | Measure) and takes_one(one) else recorded).append(one)
    settled = as_measures(recorded, BUILT_IN)
    if any(one.function is step_loss.function for one in settled):
        raise InputError(
            "'step_loss' is of the steps of a run, and a snapshot has none: take 'loss', or record it in the run."
        )
    return [*([functools.partial(_record, settled)] if recorded else []), *on_snapshot], estimators


def _record(measures: tuple[Measure, ...], snapshot: Snapshot) -> dict[str, xr.DataArray]:
    return record(snapshot.experiment, snapshot.params, Split(snapshot.train, snapshot.test), measures)


def _named(source: Any, values: Any) -> Iterable[tuple[str, Any]]:
    """Values by name that a function or an estimator returned for one snapshot, checked."""
    if not isinstance(values, Mapping):
        raise InputError(
            f"{source!r} gave no dict for a snapshot but {type(values).__name__}: give values by their names."
        )
    return values.items()
