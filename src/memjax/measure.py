"""Measures on the snapshots of a sweep, as a Dataset aligned with it."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from memjax.checks import takes_one
from memjax.engine.check import check_program
from memjax.engine.pack import Tiles, pack_tiles
from memjax.engine.program import Program, program_of, traced_of
from memjax.engine.result import sheet_of
from memjax.engine.step import BlockData, first_state, take_record
from memjax.engine.trial import ROWS, try_contracts
from memjax.errors import InputError
from memjax.learning_coefficient import learning_coefficients
from memjax.measures import BUILT_IN, Measure
from memjax.measures.as_measures import as_measures
from memjax.measures.recorded.loss import step_loss
from memjax.measures.sampled.llc import LLC
from memjax.results.aligned import Row, aligned
from memjax.snapshots import Snapshot, snapshots
from memjax.types import Data

__all__ = ["measure"]

OnSnapshot = Callable[[Snapshot], Mapping[str, Any]]
_WIDEST = 512


def measure(
    dataset: xr.Dataset,
    measures: Iterable[str | Measure | LLC | Callable[..., Any]],
    *,
    using: Sequence[Any] = (),
) -> xr.Dataset:
    """Take measures on every snapshot of a sweep.

    Parameters
    ----------
    dataset
        Result of a sweep whose experiment had ``snapshots``, or a selection of its runs and snapshots.
    measures
        What an experiment can record: names of built-in measures, `memjax.measures.Measure` objects, and functions ``(params,
        apply, examples)``. `memjax.measures.llc`, whose chains around all snapshots are one packed batch. And functions of one
        `memjax.Snapshot`, such as `memjax.measures.dimensionality` makes, which run on the host and give a dict by name of
        numbers, of pairs ``(dims, array)``, or of DataArrays.
    using
        Functions and objects of your own that the experiment names, as in `memjax.Experiment.from_json`. A dataset that was not
        read from a file carries them, so that none need be given.

    Returns
    -------
    xr.Dataset
        Dimensions: the axes of the sweep, ``snapshot``, then those of the measures. Along what differs in length from run to
        run, such as examples, the shorter end in NaN; so does all of a snapshot that a run did not keep.

    Raises
    ------
    InputError
        If there are no snapshots, a measure is none, or a function gives something else.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=4, record_every=2, train_size=8, snapshots=(0, 4), model=mj.models.MLP(hidden=(5,)))
    >>> ds = mj.sweep(spec, over={"seed": [0, 1]})
    >>> def largest_output(snapshot):
    ...     return {"largest_output": float(snapshot.outputs(snapshot.test.x).max())}
    >>> found = mj.measure(ds, ["loss", largest_output])
    >>> found.largest_output.dims, bool(np.allclose(found.test_loss, ds.test_loss.sel(step=[0, 4])))
    (('seed', 'snapshot'), True)
    """
    functions, sampled = _functions(measures)
    found = snapshots(dataset, using)
    if not sampled:
        return aligned(dataset, [_row(functions, snapshot) for snapshot in found])
    held = list(found)
    if not held:
        return aligned(dataset, [])
    rows = [_row(functions, snapshot) for snapshot in held]
    for settings in sampled:
        for row, values in zip(rows, learning_coefficients(held, settings), strict=True):
            row.values.extend(values.items())
    return aligned(dataset, rows)


def _row(functions: Iterable[OnSnapshot], snapshot: Snapshot) -> Row:
    values = [part for function in functions for part in _values(function, snapshot)]
    return Row(snapshot.run, snapshot.step, values)


def _functions(measures: Any) -> tuple[list[OnSnapshot], list[LLC]]:
    """Functions of one snapshot: the user's own, and one for all that an experiment can record; and what needs all at once."""
    if isinstance(measures, str) or not isinstance(measures, Iterable):
        raise InputError(f"measures is {measures!r}: give a list of them.")
    own: list[Any] = []
    recorded: list[Any] = []
    sampled: list[LLC] = []
    for one in measures:
        if isinstance(one, LLC):
            sampled.append(one)
        else:
            (own if not isinstance(one, str | Measure) and takes_one(one) else recorded).append(one)
    settled = as_measures(recorded, BUILT_IN)
    if any(one.function is step_loss.function for one in settled):
        raise InputError(
            "'step_loss' is of the steps of a run, and a snapshot has none: take 'loss', or record it in the run."
        )
    return [*([functools.partial(_record, settled)] if recorded else []), *own], sampled


def _values(function: OnSnapshot, snapshot: Snapshot) -> Iterable[tuple[str, Any]]:
    values = function(snapshot)
    if not isinstance(values, Mapping):
        raise InputError(
            f"{function!r} gave no dict for a snapshot but {type(values).__name__}: give values by their names."
        )
    return values.items()


def _record(measures: tuple[Measure, ...], snapshot: Snapshot) -> dict[str, xr.DataArray]:
    """What a run would have recorded at the snapshot, by the function that records in the loop."""
    experiment = dataclasses.replace(snapshot.experiment, measures=measures)
    program = _checked(program_of(experiment, snapshot.train))
    try_contracts(program, experiment, Data(snapshot.train.x[:ROWS], snapshot.train.y[:ROWS]))
    width = min(_WIDEST, max(len(snapshot.train.y), len(snapshot.test.y)))
    hyper = {path: np.asarray([value]) for path, value in traced_of(experiment).items()}
    data = BlockData(hyper, _tiles(snapshot.train, width), _tiles(snapshot.test, width), None)
    state = first_state(jax.tree.map(lambda leaf: leaf[None], snapshot.params), None, 1)
    values = jax.tree.map(lambda leaf: np.asarray(leaf)[0], _recorder(program)(data, state))
    return {name: _labelled(values[name], about) for name, about in sheet_of(program).variables.items()}


def _tiles(data: Data, width: int) -> Tiles:
    return pack_tiles([data], width, math.ceil(len(data.y) / width))


@functools.lru_cache(maxsize=64)
def _checked(program: Program) -> Program:
    check_program(program)
    return program


@functools.lru_cache(maxsize=64)
def _recorder(program: Program) -> Any:
    return jax.jit(lambda data, state: take_record(program, "streamed", data, state))


def _labelled(value: Any, about: Any) -> xr.DataArray:
    attrs = {"long_name": about.long_name, "units": about.units}
    if isinstance(value, dict):
        return xr.DataArray(list(value.values()), {about.dims[0]: list(value)}, about.dims, attrs=attrs)
    return xr.DataArray(value, dims=about.dims, attrs=attrs)
