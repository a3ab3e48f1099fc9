"""Plan the runs of a request that a store lacks, and find the blocks that are still to be trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from memjax.engine.plan.blocks import BlockPlan, Run
from memjax.engine.plan.families import padded
from memjax.engine.plan.groups import Groups, read_groups
from memjax.engine.plan.packing import Packing, block_of, records_of
from memjax.engine.plan.plan import Plan, pack, plan_of
from memjax.engine.program.outcome import RecordSchema, record_schema
from memjax.engine.program.program import Program
from memjax.engine.program.tiles import Shape
from memjax.errors import InputError
from memjax.experiment.axes import Axis, check_count
from memjax.experiment.written import AxisEntry
from memjax.jax_settings import named_settings
from memjax.models.padding import Stack
from memjax.store.axes import as_axis, count, merge_axes, shape_of, translate
from memjax.store.folder import Store, StoreContents
from memjax.store.manifest import CONTINUING_VERSION, STORE_VERSION, BlockEntry, Manifest
from memjax.store.more_steps import check_goes_on, check_schedules, ending_early
from memjax.store.request import Request, check_same
from memjax.store.stored_block import StoredBlock

__all__ = ["blocks_of", "add_missing", "check_version", "plan_blocks", "replace_block"]


class _Placed(NamedTuple):
    """A block to be added to a store: its share, its cells, and the name of the block that it continues."""

    share: int
    block: BlockPlan
    cells: list[int]
    continues: str = ""


def add_missing(
    store: Store, request: Request, packing: Packing, made: dict[str, Any], shards: int = 1, repair: bool = False
) -> StoreContents:
    """Plan the runs and the steps of a request that a store lacks, add them to the store, and return its contents.

    Raises
    ------
    InputError
        If the store has another experiment, or runs that cannot go on; the message names the first field that differs.
    """
    while True:
        contents = store.contents()
        if contents is not None:
            check_same(store, request, contents)
        axes = _union(contents, request)
        groups = _missing(contents, request, axes)
        early = ending_early(request, blocks_of(request, contents)) if contents is not None else []
        if contents is not None and not groups and not early:
            return contents
        check_version(store, contents)
        longer = [] if contents is None else _longer(store, request, contents, early, axes, repair)
        blocks = sorted(pack(groups, packing, shards), key=lambda block: -block.seconds)
        places = translate(np.arange(count(request.entries)), request.entries, axes)
        cells = [[int(places[request.flat(run)]) for run in block.runs] for block in blocks]
        chosen = [*longer, *map(_Placed, range(len(blocks)), blocks, cells)]
        plan_of(
            request.experiment, request.axes, [placed.block for placed in chosen], packing
        )  # Raises before anything is written if the runs do not fit into memory.
        # Another shard may append first; then the next iteration finds nothing missing.
        store.append(len(contents.manifests) if contents else 0, _manifest(request, axes, chosen, made))


def _longer(
    store: Store,
    request: Request,
    contents: StoreContents,
    early: Sequence[StoredBlock],
    axes: Sequence[AxisEntry],
    repair: bool,
) -> list[_Placed]:
    """Blocks with the steps of a call, each of which continues a block of the same runs with fewer steps."""
    check_goes_on(store, request, contents, repair)
    runs = _runs(request, contents, early)[0] if early else {}
    found = []
    for block in early:
        own = [runs[int(cell)] for cell in block.cells]
        check_schedules(store, block, [run.experiment for _, run in own])
        cells = translate(block.cells, contents.axes, axes).tolist()
        found.append(_Placed(block.entry.share, _plan(block, own, longer=True), cells, block.name))
    return found


def check_version(store: Store, contents: StoreContents | None) -> None:
    """Raise `InputError` where training would mix records with those of a memjax whose bits differ."""
    old = [manifest.version for manifest in contents.manifests if not manifest.extends] if contents else []
    if old:
        raise InputError(
            f"The store {str(store.path)!r} has schema {min(old)}, whose records differ in their last bits from those of this "
            f"memjax (schema {STORE_VERSION}), and the call asks for runs that it has not finished: use another store, or "
            "memjax.open for what it holds."
        )


def _union(contents: StoreContents | None, request: Request) -> tuple[AxisEntry, ...]:
    if contents is None:
        return request.entries
    ours = {entry.paths: (entry, axis.rows) for entry, axis in zip(request.entries, request.axes, strict=True)}
    axes = tuple(merge_axes(theirs, *ours[theirs.paths]) for theirs in contents.axes)
    check_count("The axes of the store, with the values of this call,", shape_of(axes))
    return axes


def _missing(contents: StoreContents | None, request: Request, axes: Sequence[AxisEntry]) -> Groups:
    """Runs of a call that are in no block of the store."""
    if contents is None:
        return request.groups
    held = translate(np.flatnonzero(contents.planned), contents.axes, request.entries)
    lacking = np.ones(count(request.entries), bool)
    lacking[held[held >= 0]] = False
    left = {group: [run for run in runs if lacking[request.flat(run)]] for group, runs in request.groups.items()}
    return {group: runs for group, runs in left.items() if runs}


def _manifest(
    request: Request,
    axes: Sequence[AxisEntry],
    blocks: Iterable[_Placed],
    made: dict[str, Any],
) -> Manifest:
    sheets: dict[Program, int] = {}
    entries = []
    for share, block, places, continues in blocks:
        number = sheets.setdefault(block.program, len(sheets))
        shape = tuple(int(size) for size in (*block.shape[:4], *block.shape.more))
        room = block.program.widths or ()
        widths, layers = ((room.width,), room.layers) if isinstance(room, Stack) else (room, 0)
        sizes = block.sizes if widths else ()
        entries.append(
            BlockEntry(
                share, number, block.schedule, shape, block.records, tuple(places), widths, sizes, layers, continues
            )
        )
    continuing = any(entry.continues for entry in entries)
    return Manifest(
        request.fields,
        named_settings(),
        tuple(axes),
        tuple(record_schema(program) for program in sheets),
        tuple(entries),
        made,
        CONTINUING_VERSION if continuing else STORE_VERSION,
    )


def blocks_of(request: Request, contents: StoreContents) -> list[StoredBlock]:
    """Blocks with a run of the request, in the order of their names."""
    asked = translate(np.arange(count(request.entries)), request.entries, contents.axes)
    wanted = np.zeros(count(contents.axes), bool)
    wanted[asked] = True
    return [block for _, block in sorted(contents.blocks.items()) if wanted[block.cells].any()]


def plan_blocks(
    request: Request, contents: StoreContents, blocks: Sequence[StoredBlock], packing: Packing, keep_state: bool = False
) -> Plan:
    """Plan for training blocks of a store, along the store's axes; ``keep_state`` keeps their final training state.

    Raises
    ------
    InputError
        If a block has a run outside the call whose experiment cannot be decoded, if its runs cannot share a program, or if
        it does not fit into memory.
    """
    runs, axes = _runs(request, contents, blocks)
    plans = [_plan(block, [runs[int(cell)] for cell in block.cells]) for block in blocks]
    return plan_of(request.experiment, axes, [replace(one, keep_state=keep_state) for one in plans], packing)


def _runs(
    request: Request, contents: StoreContents, blocks: Sequence[StoredBlock]
) -> tuple[dict[int, tuple[Program, Run]], tuple[Axis, ...]]:
    """Runs of blocks with their programs, by flat index along the axes of a store, and these axes."""
    ours = {entry.paths: (entry, axis.rows) for entry, axis in zip(request.entries, request.axes, strict=True)}
    axes = tuple(as_axis(entry, *ours[entry.paths]) for entry in contents.axes)
    places = translate(np.arange(count(request.entries)), request.entries, contents.axes)
    known = {int(places[request.flat(run)]): (key[0], run) for key, runs in request.groups.items() for run in runs}
    wanted = {int(cell) for block in blocks for cell in block.cells}
    indices = {cell: _index(cell, contents.shape) for cell in wanted}
    others = [indices[cell] for cell in wanted - set(known)]
    groups = read_groups(request.experiment, axes, others)
    made = {run.index: (key[0], run) for key, runs in groups.items() for run in runs}
    runs = {}
    for cell, index in indices.items():
        program, run = known[cell] if cell in known else made[index]
        runs[cell] = program, replace(run, index=index)
    return runs, axes


def _index(cell: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(cell, shape)) if shape else ()


def _plan(block: StoredBlock, runs: list[tuple[Program, Run]], longer: bool = False) -> BlockPlan:
    """Plan of a block for its runs; with ``longer``, of one of the same shape with the steps that the runs now have."""
    room, known = block.entry.room, dict[Program, str]()
    if room:
        runs = [(padded(program, run.experiment, room, known), run) for program, run in runs]
    program, first = runs[0]
    alike = all(other == program and _same_pool(run, first) for other, run in runs)
    wanted, held = (_without_attributes(schema, longer) for schema in (record_schema(program), block.schema))
    if not alike or wanted != held:
        raise InputError(
            f"The runs of block {block.name} of the store do not belong together, or record something else than it says: "
            "functions of yours have changed since it was begun, or it was altered. Use another store."
        )
    entry = block.entry
    schedule: Any = entry.schedule
    runs_room, width, train, test, *more = entry.shape
    shape = Shape(runs_room, width, train, test, tuple(more))
    own = [run for _, run in runs]
    records = records_of(program, shape, own) if longer else entry.records
    return block_of(program, schedule, shape, records, own, block.name)


def _same_pool(run: Run, first: Run) -> bool:
    if run.pool is None or first.pool is None:
        return run.pool is first.pool
    return run.pool is first.pool or np.array_equal(run.pool, first.pool)


def _without_attributes(schema: RecordSchema, longer: bool) -> Any:
    return schema[2:3] if longer else schema[:3], {name: variable.dims for name, variable in schema.variables.items()}


def replace_block(
    store: Store, request: Request, block: StoredBlock, parts: Sequence[BlockPlan], made: dict[str, Any]
) -> list[tuple[BlockPlan, StoredBlock]]:
    """Replace a block of the store by parts of it; returns the parts with their names.

    A block that goes on from another is not replaced: its parts would have no state to go on from, and until they are trained
    the runs would have no result.
    """
    if block.before is not None:
        raise InputError(
            f"The block {block.name} of the store {str(store.path)!r} goes on from a state of {len(block.cells)} runs, which "
            "do not fit into memory together: make the same call with more memory. What was kept before is whole."
        )
    while True:
        contents = store.contents()
        if contents is None or block.name not in contents.blocks:
            raise InputError(f"The manifests of the store {str(store.path)!r} were changed: restore them from a copy.")
        places = iter(contents.blocks[block.name].cells)
        chosen = [_Placed(block.entry.share, part, [int(next(places)) for _ in part.runs]) for part in parts]
        number = len(contents.manifests)
        if store.append(number, _manifest(request, contents.axes, chosen, made)):
            names = [f"{number:04d}-{i:05d}" for i in range(len(parts))]
            blocks = (store.contents() or contents).blocks
            return [(replace(part, name=name), blocks[name]) for part, name in zip(parts, names, strict=True)]
