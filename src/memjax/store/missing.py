"""What a store lacks of a request is planned, and what is left to do is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from memjax.engine.plan.blocks import BlockPlan, Run, block_of
from memjax.engine.plan.groups import Groups, read_groups
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import Plan, pack, plan_of
from memjax.engine.program.outcome import RecordSchema, record_schema
from memjax.engine.program.program import Program
from memjax.engine.program.tiles import Shape
from memjax.errors import InputError
from memjax.experiment.axes import check_count
from memjax.experiment.written import AxisEntry
from memjax.jax_settings import named_settings
from memjax.store.axes import as_axis, count, merged, shape_of, translate
from memjax.store.folder import Store, StoreContents, StoredBlock
from memjax.store.manifest import BlockEntry, Manifest
from memjax.store.request import Request, check_same

__all__ = ["blocks_of", "enter", "plans", "supersede"]


def enter(store: Store, request: Request, packing: Packing, made: dict[str, Any], shards: int = 1) -> StoreContents:
    """Plan what a store lacks of a request, and give all that it holds then.

    Raises
    ------
    InputError
        If the store is of another experiment, with the first field that differs.
    """
    while True:
        ledger = store.ledger()
        if ledger is not None:
            check_same(store, request, ledger)
        axes = _union(ledger, request)
        groups = _missing(ledger, request, axes)
        if ledger is not None and not groups:
            return ledger
        blocks = sorted(pack(groups, packing, shards), key=lambda block: -block.seconds)
        places = translate(np.arange(count(request.entries)), request.entries, axes)
        chosen = [(i, block, [int(places[request.flat(run)]) for run in block.runs]) for i, block in enumerate(blocks)]
        plan_of(
            request.experiment, request.axes, blocks, packing
        )  # Refuses what does not fit before anything is written.
        # Another shard may come first; then nothing is missing the next time round.
        store.append(len(ledger.manifests) if ledger else 0, _manifest(request, axes, chosen, made))


def _union(ledger: StoreContents | None, request: Request) -> tuple[AxisEntry, ...]:
    if ledger is None:
        return request.entries
    ours = {entry.paths: (entry, axis.rows) for entry, axis in zip(request.entries, request.axes, strict=True)}
    axes = tuple(merged(theirs, *ours[theirs.paths]) for theirs in ledger.axes)
    check_count("The axes of the store, with the values of this request,", shape_of(axes))
    return axes


def _missing(ledger: StoreContents | None, request: Request, axes: Sequence[AxisEntry]) -> Groups:
    """Runs of a call that no block of the store holds."""
    if ledger is None:
        return request.groups
    held = translate(np.flatnonzero(ledger.planned), ledger.axes, request.entries)
    lacking = np.ones(count(request.entries), bool)
    lacking[held[held >= 0]] = False
    left = {group: [run for run in runs if lacking[request.flat(run)]] for group, runs in request.groups.items()}
    return {group: runs for group, runs in left.items() if runs}


def _manifest(
    request: Request,
    axes: Sequence[AxisEntry],
    blocks: Iterable[tuple[int, BlockPlan, list[int]]],
    made: dict[str, Any],
) -> Manifest:
    sheets: dict[Program, int] = {}
    entries = []
    for share, block, places in blocks:
        number = sheets.setdefault(block.program, len(sheets))
        runs, width, train, test = block.shape
        shape = (int(runs), int(width), int(train), int(test))
        entries.append(BlockEntry(share, number, block.schedule, shape, block.records, tuple(places)))
    return Manifest(
        request.fields,
        named_settings(),
        tuple(axes),
        tuple(record_schema(program) for program in sheets),
        tuple(entries),
        made,
    )


def blocks_of(request: Request, ledger: StoreContents) -> list[StoredBlock]:
    """Blocks that hold a run of a request, in the order of their names."""
    asked = translate(np.arange(count(request.entries)), request.entries, ledger.axes)
    wanted = np.zeros(count(ledger.axes), bool)
    wanted[asked] = True
    return [block for _, block in sorted(ledger.blocks.items()) if wanted[block.cells].any()]


def plans(request: Request, ledger: StoreContents, blocks: Sequence[StoredBlock], packing: Packing) -> Plan:
    """Plan of blocks of a store as they are to be trained, along the store's axes.

    Raises
    ------
    InputError
        If a block holds a run outside of the call that cannot be made from what is written, or runs that do not belong
        together, or if one does not fit into memory.
    """
    ours = {entry.paths: (entry, axis.rows) for entry, axis in zip(request.entries, request.axes, strict=True)}
    axes = tuple(as_axis(entry, *ours[entry.paths]) for entry in ledger.axes)
    places = translate(np.arange(count(request.entries)), request.entries, ledger.axes)
    known = {int(places[request.flat(run)]): (key[0], run) for key, runs in request.groups.items() for run in runs}
    wanted = {int(cell) for block in blocks for cell in block.cells}
    indices = {cell: _index(cell, ledger.shape) for cell in wanted}
    others = [indices[cell] for cell in wanted - set(known)]
    groups = read_groups(request.experiment, axes, others)
    made = {run.index: (key[0], run) for key, runs in groups.items() for run in runs}
    runs = {}
    for cell, index in indices.items():
        program, run = known[cell] if cell in known else made[index]
        runs[cell] = program, replace(run, index=index)
    return plan_of(request.experiment, axes, [_plan(b, [runs[int(c)] for c in b.cells]) for b in blocks], packing)


def _index(cell: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(cell, shape)) if shape else ()


def _plan(block: StoredBlock, runs: list[tuple[Program, Run]]) -> BlockPlan:
    program, first = runs[0]
    alike = all(own == program and _same_pool(run, first) for own, run in runs)
    if not alike or _plain(record_schema(program)) != _plain(block.schema):
        raise InputError(
            f"The runs of block {block.name} of the store do not belong together, or record something else than it says: "
            "functions of yours have changed since it was begun, or it was altered. Use another store."
        )
    entry = block.entry
    schedule: Any = entry.schedule
    return block_of(program, schedule, Shape(*entry.shape), entry.records, [run for _, run in runs], block.name)


def _same_pool(run: Run, first: Run) -> bool:
    if run.pool is None or first.pool is None:
        return run.pool is first.pool
    return run.pool is first.pool or np.array_equal(run.pool, first.pool)


def _plain(schema: RecordSchema) -> Any:
    return schema[:3], {name: variable.dims for name, variable in schema.variables.items()}


def supersede(
    store: Store, request: Request, block: StoredBlock, parts: Sequence[BlockPlan], made: dict[str, Any]
) -> list[tuple[BlockPlan, StoredBlock]]:
    """Write down that a block is trained in parts, which take its place in the store; gives them with their names."""
    while True:
        ledger = store.ledger()
        if ledger is None or block.name not in ledger.blocks:
            raise InputError(f"The manifests of the store {str(store.path)!r} were changed: restore them from a copy.")
        places = iter(ledger.blocks[block.name].cells)
        chosen = [(block.entry.share, part, [int(next(places)) for _ in part.runs]) for part in parts]
        number = len(ledger.manifests)
        if store.append(number, _manifest(request, ledger.axes, chosen, made)):
            names = [f"{number:04d}-{i:05d}" for i in range(len(parts))]
            blocks = (store.ledger() or ledger).blocks
            return [(replace(part, name=name), blocks[name]) for part, name in zip(parts, names, strict=True)]
