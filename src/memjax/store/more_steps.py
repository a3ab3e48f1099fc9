"""More steps of runs that a store has: which blocks go on, whether they can, and the result from which they start."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import numpy as np

from memjax.engine.program.outcome import BlockResult, RecordSchema
from memjax.errors import InputError
from memjax.experiment.experiment import Experiment
from memjax.optimizers.rates import first_other_rate, is_schedule
from memjax.store.folder import Damaged, Store, StoreContents
from memjax.store.request import LENGTH, Request
from memjax.store.stored_block import StoredBlock

__all__ = ["as_start", "check_goes_on", "check_schedules", "ending_early"]


def ending_early(request: Request, blocks: Iterable[StoredBlock]) -> list[StoredBlock]:
    """Blocks with fewer steps than a call asks for. Where a length is an axis, more steps are further runs."""
    if any(name in entry.paths for entry in request.entries for name in LENGTH):
        return []
    return [block for block in blocks if block.schema.steps < request.experiment.steps]


def check_goes_on(store: Store, request: Request, contents: StoreContents, repair: bool) -> None:
    """Raise `InputError` where a run of the store cannot go on to the steps of a call.

    Where the call is the first with so many steps, every run of the store must be able to go on, so that none is left
    behind by another call.
    """
    parts = store.parts()
    for block in ending_early(request, contents.blocks.values()):
        try:
            kept, result = store.read_newest(block, parts)
        except Damaged:
            if not repair:
                raise
            continue
        if result is not None:
            _check_state(store, request.experiment, result)
            _check_taken(store, request, kept.schema, result)


def _check_state(store: Store, experiment: Experiment, result: BlockResult) -> None:
    if result.finished and result.final_state is None:
        raise InputError(
            f"The store {str(store.path)!r} has no state to go on from to steps = {experiment.steps}: its runs were finished "
            f"at step {result.step} without keep_state. Begin anew in another store, with keep_state=True if the runs may "
            "have to go on."
        )


def _check_taken(store: Store, request: Request, schema: RecordSchema, result: BlockResult) -> None:
    """Raise `InputError` where a call asks for something of the steps done that was not taken then."""
    experiment, done = request.experiment, result.step
    taken = {
        "records": (experiment.record_steps, schema.at),
        "snapshots": (experiment.snapshots, result.snapshots),
        "values of examples": (experiment.example_steps, schema.example_steps),
    }
    for what, (asked, held) in taken.items():
        lacking = np.setdiff1d(_until(asked, done), _until(held, done))
        if len(lacking):
            _refuse(
                store, experiment, f"{what} at step {lacking[0]} were not taken while the runs trained to step {done}"
            )
    dropped = np.setdiff1d(_until(schema.at, done), _until(experiment.record_steps, done))
    if len(dropped) and schema.best:
        _refuse(
            store,
            experiment,
            f"keep_best looks at every record, and the record at step {dropped[0]} of the store is not asked for",
        )
    if len(dropped) and "step_loss" in schema.variables:
        _refuse(
            store,
            experiment,
            f"step_loss averages over the steps since the last record, and the record at step {dropped[0]} of the store is not "
            "asked for",
        )


def check_schedules(store: Store, block: StoredBlock, runs: Iterable[Experiment]) -> None:
    """Raise `InputError` where the runs of a block would have had other learning rates in a longer run."""
    parts = store.parts()
    kept = block.newest(parts)
    if kept.name not in parts:
        return
    step = parts[kept.name].step
    before, done = kept.schema.steps, kept.schema.steps if step is None else step
    for experiment in {run.optimizer: run for run in runs}.values():
        for name, value in experiment.optimizer.hyperparameters.items():
            other = first_other_rate(value, before, experiment.steps, done) if is_schedule(value) else None
            if other is not None:
                raise InputError(
                    f"The runs of the store {str(store.path)!r} cannot go on to steps = {experiment.steps}: {name} is "
                    f"{value!r}, whose rate before step {other} depends on the number of steps, so that a longer run is "
                    "another run from the start. Use another store."
                )


def _refuse(store: Store, experiment: Experiment, why: str) -> None:
    raise InputError(
        f"The runs of the store {str(store.path)!r} cannot go on to steps = {experiment.steps} as this call asks: {why}. Ask "
        "for what the store has up to there, or use another store."
    )


def _until(steps: Iterable[int], done: int) -> np.ndarray:
    found = np.array(list(steps), np.int64)
    return found[found <= done]


def as_start(
    result: BlockResult, before: RecordSchema, schema: RecordSchema, snapshots: Container[int]
) -> BlockResult | None:
    """A result as the start of a block with more steps; None if it has no state.

    Parameters
    ----------
    result, before
        A finished or unfinished result, and the schema of its block.
    schema, snapshots
        Schema of the block that goes on, and the steps of the snapshots of its runs. What the result has besides is left out.
    """
    state = result.final_state if result.finished else result.state
    if state is None:
        return None
    recorded = np.isin(_until(before.at, result.step), np.array(schema.at))
    examples = np.isin(_until(before.example_steps, result.step), np.array(schema.example_steps))
    kept = {step: flat for step, flat in result.snapshots.items() if step in snapshots}
    return result._replace(
        records={name: _chosen(part, recorded) for name, part in result.records.items()},
        snapshots=kept,
        layouts=result.layouts if kept else (),
        state=state,
        examples={name: values[:, examples] for name, values in result.examples.items()} if examples.any() else {},
        final_state=None,
    )


def _chosen(part: Any, records: np.ndarray) -> Any:
    """Some records of a variable."""
    if isinstance(part, dict):
        return {label: column[:, records] for label, column in part.items()}
    return part[:, records]
