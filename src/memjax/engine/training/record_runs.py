"""Records of finished networks, in packed blocks over lanes: the first record of training, without a step after it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from memjax.engine.plan.blocks import BlockPlan, Run
from memjax.engine.plan.groups import gather
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import Plan, pack, plan_of
from memjax.engine.program.compiled import CompiledRecord, compile_record
from memjax.engine.program.initial import draws_itself, given_parameters, live_places
from memjax.engine.program.initial_of_runs import initial_of_runs
from memjax.engine.program.outcome import Variable, record_schema
from memjax.engine.program.step import RunState
from memjax.engine.program.tiles import draw_block
from memjax.engine.training.block import on_device
from memjax.engine.training.execute import DevicePools, Programs, out_of_memory, split
from memjax.engine.training.lanes import pool_turn, run_in_lanes
from memjax.errors import InputError
from memjax.experiment.experiment import Experiment
from memjax.experiment.train_size import is_fresh
from memjax.jax_settings import compile_settings
from memjax.measures.measure import Measure
from memjax.measures.values import Values
from memjax.optimizers import sgd

__all__ = ["plan_records", "record_networks"]

_NO_TRAINING: dict[str, Any] = {
    "optimizer": sgd(0.0),
    "loss_scale": 1.0,
    "steps": 1,
    "record_every": 1,
    "record_at": None,
    "batch_size": None,
    "start": None,
    "examples": (),
    "examples_at": None,
    "stop_when": None,
    "penalty": None,
    "keep_best": None,
    "snapshots": (),
}
"""Fields of an experiment that no record depends on, unless a measure asks for what they decide: networks that were trained in
other ways share their blocks."""


def plan_records(runs: Sequence[Experiment], counts: Sequence[int], measures: tuple[Measure, ...]) -> Plan:
    """Pack networks for a record of their own.

    Parameters
    ----------
    runs, counts
        Experiments from which the networks come, and the number of networks of each.
    measures
        The measures to compute.

    Returns
    -------
    Plan
        The first entry of the index of a run in it is the place of a network: those of the first experiment come first.

    Raises
    ------
    InputError
        If a measure does not fit a network or sees what a snapshot lacks, or the networks do not fit into memory.
    """
    _check_seen(measures)
    bare = [_bare(run, measures) for run in runs]
    first = np.cumsum([0, *counts])
    groups = gather(((place,), run) for place, run in enumerate(bare))
    # Checked once per experiment, for the checks do not see the parameters.
    networks = {key: [one for run in found for one in _networks(run, first)] for key, found in groups.items()}
    packing = Packing()
    return plan_of(bare[0], (), pack(networks, packing), packing)


def _bare(run: Experiment, measures: tuple[Measure, ...]) -> Experiment:
    """A run with what its measures see of it, and no other part of its training."""
    asks = frozenset().union(*(measure.asks for measure in measures))
    kept: dict[str, Any] = {}
    if is_fresh(run):
        # A run with fresh examples must have a batch size, whatever it is.
        kept["batch_size"] = 1
    if "penalty" in asks:
        kept["penalty"] = run.penalty
    if asks & {"initial", "penalty"}:
        kept["start"] = run.start
    if "learning_rate" in asks:
        kept |= {
            "optimizer": dataclasses.replace(run.optimizer, evaluate=None),
            "steps": run.steps,
            "record_every": run.steps,
        }
    return dataclasses.replace(run, measures=measures, **{**_NO_TRAINING, **kept})


def _check_seen(measures: tuple[Measure, ...]) -> None:
    for measure in measures:
        if "opt_state" in measure.asks:
            raise InputError(
                f"The measure {measure.name!r} asks for opt_state, which snapshots do not keep: record the measure during the "
                "run, in the measures of the experiment."
            )


def _networks(run: Run, first: np.ndarray) -> list[Run]:
    (place,) = run.index
    return [dataclasses.replace(run, index=(network,)) for network in range(first[place], first[place + 1])]


def record_networks(
    plan: Plan, parameters: Sequence[np.ndarray], steps: Sequence[int] | None = None
) -> list[dict[str, Values]]:
    """Values of the measures of every network of a plan, by variable.

    Parameters
    ----------
    plan
        Made by `plan_records`.
    parameters
        Flat parameters ``[P]`` of every network; entries behind the parameters of its model are ignored.
    steps
        Steps that every network has done, for measures that ask; None counts none.

    Returns
    -------
    list
        One dict for each network, in the order of ``parameters``.
    """
    found: dict[int, dict[str, Values]] = {}
    done = [0] * len(parameters) if steps is None else steps
    pools, programs = DevicePools(), Programs(lambda: None, _compiled)

    def work(block: BlockPlan, device: Any, stop: threading.Event) -> None:
        parts: list[BlockPlan] = []
        try:
            compiled, pool = programs.get(block, device), pools.get(block, device)
            records = _record_block(block, compiled, device, pool, _state(block, parameters, done))
            found.update((run.index[0], _values(block, records, row)) for row, run in enumerate(block.runs))
        except Exception as problem:
            if not out_of_memory(problem):
                raise
            parts = split(block, problem)
        # Outside the except clause: the traceback of the error keeps the arrays alive that did not fit.
        for part in parts:
            work(part, device, stop)

    run_in_lanes(plan.blocks, work, plan.lanes)
    return [found[place] for place in range(len(parameters))]


def _compiled(block: BlockPlan, device: Any) -> CompiledRecord:
    program, schedule, shape, _, rows, _ = block.key
    return compile_record(program, schedule, shape, rows, device, compile_settings())


def _record_block(
    block: BlockPlan, compiled: CompiledRecord, device: Any, pool: Any, networks: RunState
) -> dict[str, Any]:
    """Records ``[R, ...]`` of the networks of a block, on the host."""
    program, runs = block.program, block.experiments
    packed = draw_block(program, block.schedule, block.shape, runs)
    with pool_turn(not draws_itself(program)):
        initial = initial_of_runs(program, runs) if "initial" in program.asks else None
    data = on_device(packed, live_places(program, runs), pool, device, initial)
    state = jax.device_put(networks, device)
    with pool_turn(compiled.blocks_pool):
        records: dict[str, Any] = jax.tree.map(np.asarray, compiled.record(data, state))
    return records


def _state(block: BlockPlan, parameters: Sequence[np.ndarray], steps: Sequence[int]) -> RunState:
    """The networks of a block as the state of a training that has not begun; the last network fills the places left."""
    networks = [given_parameters(block.program, run.experiment, parameters[run.index[0]]) for run in block.runs]
    networks += networks[-1:] * (block.shape.runs - len(networks))
    zeros: Any = np.zeros(len(networks), np.int32)
    done: Any = zeros.copy()
    done[: len(block.runs)] = [steps[run.index[0]] for run in block.runs]
    return RunState(jax.tree.map(lambda *leaves: np.stack(leaves), *networks), None, zeros, done)


def _values(block: BlockPlan, records: dict[str, Any], row: int) -> dict[str, Values]:
    return {
        name: _labelled(jax.tree.map(lambda leaf: leaf[row], records[name]), about)
        for name, about in record_schema(block.program).variables.items()
    }


def _labelled(value: Any, about: Variable) -> Values:
    attrs = {"long_name": about.long_name, "units": about.units}
    if isinstance(value, dict):
        return Values(about.dims, np.array(list(value.values())), {about.dims[0]: list(value)}, attrs)
    return Values(about.dims, value, {}, attrs)
