"""`memjax.measure`: measures on the snapshots of a sweep, as a Dataset aligned with the sweep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import xarray as xr

from memjax.checks.values import takes_one
from memjax.engine.plan.plan import Plan
from memjax.engine.training.record_runs import plan_records, record_networks
from memjax.engine.training.train_runs import train_runs
from memjax.errors import InputError
from memjax.measures import BUILT_IN, Measure
from memjax.measures.names import as_measures
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure
from memjax.measures.recorded.loss import step_loss
from memjax.results.aligned import Row, aligned
from memjax.results.batches import batches
from memjax.results.runs import Network, check_parameters, networks
from memjax.results.snapshots import Loader, Snapshot
from memjax.types import Estimator

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
        and functions ``(params, apply, examples)``. All networks are measured in packed batches on all cores, as runs are
        trained. (2) Functions of one `memjax.Snapshot`. They run on the host, one snapshot after another, and return a dict
        by name, whose values are numbers, pairs ``(dims, array)``, or DataArrays. A `memjax.measures.SnapshotMeasure`, such
        as `memjax.measures.dimensionality` makes, may take many snapshots of one structure at once. (3) Estimators of all
        snapshots at once, such as `memjax.measures.llc`: objects with a method ``on_all(snapshots, train)`` that returns
        such a dict for each snapshot, where ``train(experiments)`` trains any list of runs as one packed batch.
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
    recorded, others = _sorted(measures)
    found = list(networks(dataset, using))
    plan = _plan(found, recorded) if recorded and found else None
    # The user's own functions come first, so that a mistake in them shows before all else takes its time.
    columns = iter(_one_by_one([one for one in others if not _takes_many(one)], found))
    taken: list[Sequence[Mapping[str, Any]]]
    taken = [_of_many(one, found) if _takes_many(one) else next(columns) for one in others]
    if plan:
        steps = _steps_done(dataset, found) if any(measure.asks for measure in recorded) else None
        taken.insert(0, record_networks(plan, [network.parameters for network in found], steps))
    rows = [Row(network.run, network.step, []) for network in found]
    for values in taken:
        for row, own in zip(rows, values, strict=True):
            row.values.extend(own.items())
    return aligned(dataset, rows)


def _sorted(measures: Any) -> tuple[tuple[Measure, ...], list[Any]]:
    """Measures that a run can record, and all others in order, with estimators of all snapshots at the end."""
    if isinstance(measures, str) or not isinstance(measures, Iterable):
        raise InputError(f"measures is {measures!r}: give a list of them.")
    on_snapshot: list[Any] = []
    recorded: list[Any] = []
    estimators: list[Any] = []
    for one in measures:
        if _is_estimator(one):
            estimators.append(one)
        else:
            (on_snapshot if not isinstance(one, str | Measure) and takes_one(one) else recorded).append(one)
    settled = as_measures(recorded, BUILT_IN)
    if any(one.function is step_loss.function for one in settled):
        raise InputError(
            "'step_loss' is of the steps of a run, and a snapshot has none: take 'loss', or record it in the run."
        )
    return settled, [*on_snapshot, *estimators]


def _is_estimator(one: Any) -> bool:
    return isinstance(one, Estimator) and not isinstance(one, type)


def _plan(found: Sequence[Network], measures: tuple[Measure, ...]) -> Plan:
    """Plan of the records of all networks, once their parameters are known to be those of their models."""
    of_run = [list(own) for _, own in itertools.groupby(found, lambda network: id(network.experiment))]
    plan = plan_records([own[0].experiment for own in of_run], [len(own) for own in of_run], measures)
    for block in plan.blocks:
        for run, size in zip(block.runs, block.sizes, strict=True):
            check_parameters(found[run.index[0]].parameters, size)
    return plan


def _steps_done(dataset: xr.Dataset, found: Sequence[Network]) -> list[int]:
    """Steps that every network has done: those of its snapshot, or fewer if its run was stopped before."""
    stopped = dataset.get("stop_step")
    if stopped is None:
        return [network.step for network in found]
    last = {id(one.run): int(stopped.sel({dim: one.run[str(dim)] for dim in stopped.dims})) for one in found}
    return [min(network.step, last[id(network.run)]) for network in found]


def _one_by_one(functions: Sequence[OnSnapshot], found: Sequence[Network]) -> list[list[Mapping[str, Any]]]:
    """Values of every network, by name, of each function of a snapshot; examples are drawn once for all functions."""
    columns: list[list[Mapping[str, Any]]] = [[] for _ in functions]
    load = Loader()
    for network in found if functions else ():
        snapshot = load(network)
        for column, function in zip(columns, functions, strict=True):
            column.append(_named(function, function(snapshot)))
    return columns


def _takes_many(measure: Any) -> bool:
    return _is_estimator(measure) or (isinstance(measure, SnapshotMeasure) and measure.on_batch is not None)


def _of_many(measure: Any, found: Sequence[Network]) -> list[Mapping[str, Any]]:
    """Values of every network, by name, of a measure of many snapshots."""
    if isinstance(measure, SnapshotMeasure):
        return _in_batches(measure, found)
    return _estimates(measure, [*map(Loader(), found)])


def _in_batches(measure: SnapshotMeasure, found: Sequence[Network]) -> list[Mapping[str, Any]]:
    values: dict[int, Mapping[str, Any]] = {}
    for places, snapshots in batches(found):
        values.update(zip(places, measure.of_batch(snapshots), strict=True))
    return [values[place] for place in range(len(found))]


def _estimates(estimator: Estimator, held: Sequence[Snapshot]) -> list[Mapping[str, Any]]:
    """Values of every snapshot from an estimator of all snapshots at once."""
    found = estimator.on_all(held, train_runs) if held else []
    if not isinstance(found, Sequence) or len(found) != len(held):
        raise InputError(
            f"{estimator!r} gave {type(found).__name__} for {len(held)} snapshots: on_all must give a list, one dict "
            "for each."
        )
    return [_named(estimator, values) for values in found]


def _named(source: Any, values: Any) -> Mapping[str, Any]:
    """Values by name that a function or an estimator returned for one snapshot, checked."""
    if not isinstance(values, Mapping):
        raise InputError(
            f"{source!r} gave no dict for a snapshot but {type(values).__name__}: give values by their names."
        )
    return values
