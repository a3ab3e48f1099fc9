"""The record that a run would have taken at a snapshot, computed by the same function as in the training loop."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import jax
import numpy as np
import xarray as xr

from memjax.engine.program.contracts import ROWS, try_contracts
from memjax.engine.program.outcome import Variable, record_schema
from memjax.engine.program.output_shapes import check_program
from memjax.engine.program.program import Program, program_of, traced_of
from memjax.engine.program.step import BlockData, first_state, take_record
from memjax.engine.program.tiles import Tiles, pack_tiles
from memjax.experiment.experiment import Experiment
from memjax.measures.measure import Measure
from memjax.types import Data, Params, Split

__all__ = ["record"]

_WIDEST = 512


def record(
    experiment: Experiment, params: Params, split: Split, measures: tuple[Measure, ...]
) -> dict[str, xr.DataArray]:
    """Values of measures of one network, by variable.

    Parameters
    ----------
    experiment
        The run that the network comes from.
    params, split
        The network's parameters and examples, with the pool's inputs in place of indices.
    measures
        The measures to compute.

    Raises
    ------
    InputError
        If a measure does not fit the network.
    """
    experiment = dataclasses.replace(experiment, measures=measures)
    program = _checked(program_of(experiment, split.train))
    try_contracts(program, experiment, Data(split.train.x[:ROWS], split.train.y[:ROWS]))
    width = min(_WIDEST, max(len(split.train.y), len(split.test.y)))
    hyper = {path: np.asarray([value]) for path, value in traced_of(experiment).items()}
    data = BlockData(hyper, _tiles(split.train, width), _tiles(split.test, width), None)
    state = first_state(jax.tree.map(lambda leaf: leaf[None], params), None, 1)
    values = jax.tree.map(lambda leaf: np.asarray(leaf)[0], _recorder(program)(data, state))
    return {name: _labelled(values[name], about) for name, about in record_schema(program).variables.items()}


def _tiles(data: Data, width: int) -> Tiles:
    return pack_tiles([data], width, math.ceil(len(data.y) / width))


@functools.lru_cache(maxsize=64)
def _checked(program: Program) -> Program:
    check_program(program)
    return program


@functools.lru_cache(maxsize=64)
def _recorder(program: Program) -> Any:
    return jax.jit(lambda data, state: take_record(program, "streamed", data, state))


def _labelled(value: Any, about: Variable) -> xr.DataArray:
    attrs = {"long_name": about.long_name, "units": about.units}
    if isinstance(value, dict):
        return xr.DataArray(list(value.values()), {about.dims[0]: list(value)}, about.dims, attrs=attrs)
    return xr.DataArray(value, dims=about.dims, attrs=attrs)
