"""A call of `memjax.sweep` enters a store: what the store lacks is planned, and what is left to do is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from memjax.content import PYTHON, Unreadable, content, same
from memjax.encode import encode, encoded_fields
from memjax.engine.axes import Axis, check_count, full_paths
from memjax.engine.pack import Shape
from memjax.engine.partition import BlockPlan, Packing, Run, block_of
from memjax.engine.plan import Groups, Plan, pack, plan_of, read_groups
from memjax.engine.program import Program
from memjax.engine.result import Sheet, sheet_of
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.fields import paths
from memjax.precision import named_settings
from memjax.store.axes import as_axis, count, entry_of, merged, shape_of, translate
from memjax.store.folder import Ledger, Placed, Store
from memjax.store.identity import HELD, first_difference
from memjax.store.manifest import AxisEntry, BlockEntry, Manifest

__all__ = ["Call", "blocks_of", "enter", "plans", "supersede"]


@dataclass(frozen=True)
class Call:
    """What is asked for: an experiment, its axes, and its runs, checked and grouped.

    Attributes
    ----------
    entries, fields
        Axes and fields of the experiment as a store writes them.
    objects
        The user's own objects that they refer to.
    """

    experiment: Experiment
    axes: tuple[Axis, ...]
    groups: Groups
    entries: tuple[AxisEntry, ...] = field(init=False)
    fields: dict[str, Any] = field(init=False)
    objects: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        full = full_paths(self.experiment, self.axes)
        objects: list[Any] = []
        entries = tuple(entry_of(axis, own, objects) for axis, own in zip(self.axes, full, strict=True))
        object.__setattr__(self, "entries", entries)
        object.__setattr__(self, "fields", encoded_fields(self.experiment, objects))
        object.__setattr__(self, "objects", tuple(objects))
        _check_readable(self)
        for entry in self.entries:
            if len(set(entry.keys)) < len(entry.keys):
                raise InputError(
                    f"The axis {next(iter(entry.labels))!r} has values that are made of the same, {entry.keys}: give each once."
                )

    def flat(self, run: Run) -> int:
        """Flat index of a run along the call's axes."""
        return int(np.ravel_multi_index(run.index, shape_of(self.entries))) if run.index else 0


def _check_readable(call: Call) -> None:
    """Raise `InputError` for an object that cannot be told from another of its kind."""
    swept = frozenset(path for entry in call.entries for path in entry.paths)
    if _told(call.fields) and all(_told(list(entry.values)) for entry in call.entries):
        return
    held = [(path, value) for path, value in paths(call.experiment).items() if path not in swept]
    held += [(entry.paths[0], row) for entry, axis in zip(call.entries, call.axes, strict=True) for row in axis.rows]
    for path, value in held:
        try:
            if not _told(encode(value)):
                content(value)
        except Unreadable as problem:
            raise InputError(f"{path} cannot be kept in a store. {problem}") from None


def _told(value: Any) -> bool:
    """Whether everything that encoded data refer to is told by its content."""
    if isinstance(value, dict):
        return ("reference" not in value or "content" in value) and all(_told(item) for item in value.values())
    return not isinstance(value, list) or all(_told(item) for item in value)


def enter(store: Store, call: Call, packing: Packing, made: dict[str, Any], shards: int = 1) -> Ledger:
    """Plan what a store lacks of a call, and give all that it holds then.

    Raises
    ------
    InputError
        If the store is of another experiment, with the first field that differs.
    """
    while True:
        ledger = store.ledger()
        if ledger is not None:
            _check_same(store, call, ledger)
        axes = _union(ledger, call)
        groups = _missing(ledger, call, axes)
        if ledger is not None and not groups:
            return ledger
        blocks = sorted(pack(groups, packing, shards), key=lambda block: -block.seconds)
        places = translate(np.arange(count(call.entries)), call.entries, axes)
        chosen = [(i, block, [int(places[call.flat(run)]) for run in block.runs]) for i, block in enumerate(blocks)]
        plan_of(call.experiment, call.axes, blocks, packing)  # Refuses what does not fit before anything is written.
        # Another shard may come first; then nothing is missing the next time round.
        store.append(len(ledger.manifests) if ledger else 0, _manifest(call, axes, chosen, made))


def _check_same(store: Store, call: Call, ledger: Ledger) -> None:
    first = ledger.manifests[0]
    theirs, ours = (sorted(",".join(axis.paths) for axis in axes) for axes in (first.axes, call.entries))
    swept = frozenset(path for axis in call.entries for path in axis.paths)
    found = (
        (None if theirs == ours else ("over", ours, theirs))
        or first_difference(call.fields, first.experiment, swept)
        or first_difference(named_settings(), first.settings)
        or next(
            (
                (f"{axis.paths[0]}{HELD}", f"{PYTHON}:", held)
                for axis in ledger.axes
                for held in _incomparable(list(axis.values))
            ),
            None,
        )
    )
    if found:
        raise InputError(
            f"The store {str(store.path)!r} is of another experiment: {_told_apart(*found)}. Use another store, or what it was "
            "begun with."
        )


def _incomparable(value: Any) -> Iterator[Any]:
    """Contents in encoded values that were not written down, or cannot be compared with those of this Python."""
    if isinstance(value, dict):
        if "reference" in value and ("content" not in value or same(value["content"], f"{PYTHON}:") is None):
            yield value.get("content")
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _incomparable(item)


def _told_apart(path: str, ours: Any, theirs: Any) -> str:
    """A difference in words."""
    if not path.endswith(HELD) or not isinstance(ours, str):
        return f"{path} is {theirs!r} there and {ours!r} in this call"
    named = path.removesuffix(HELD)
    if theirs is None:
        return f"{named} has the same name, but what the object of then held was not written down by the memjax of then"
    if same(ours, theirs) is None:
        return (
            f"{named} was compiled by {theirs.partition(':')[0]} there and by {ours.partition(':')[0]} in this call, so "
            "nobody can say whether the code is the same"
        )
    return (
        f"{named} has the same name, but holds something else: its code, its default arguments, or values and arrays that "
        "it uses have changed (where these are a cache that comes with use, give the object an attribute __memjax_content__, "
        "a text that you change whenever its numbers change)"
    )


def _union(ledger: Ledger | None, call: Call) -> tuple[AxisEntry, ...]:
    if ledger is None:
        return call.entries
    ours = {entry.paths: (entry, axis.rows) for entry, axis in zip(call.entries, call.axes, strict=True)}
    axes = tuple(merged(theirs, *ours[theirs.paths]) for theirs in ledger.axes)
    check_count("The axes of the store, with the values of this call,", shape_of(axes))
    return axes


def _missing(ledger: Ledger | None, call: Call, axes: Sequence[AxisEntry]) -> Groups:
    """Runs of a call that no block of the store holds."""
    if ledger is None:
        return call.groups
    held = translate(np.flatnonzero(ledger.planned), ledger.axes, call.entries)
    lacking = np.ones(count(call.entries), bool)
    lacking[held[held >= 0]] = False
    left = {group: [run for run in runs if lacking[call.flat(run)]] for group, runs in call.groups.items()}
    return {group: runs for group, runs in left.items() if runs}


def _manifest(
    call: Call, axes: Sequence[AxisEntry], blocks: Iterable[tuple[int, BlockPlan, list[int]]], made: dict[str, Any]
) -> Manifest:
    sheets: dict[Program, int] = {}
    entries = []
    for share, block, places in blocks:
        number = sheets.setdefault(block.program, len(sheets))
        runs, width, train, test = block.shape
        shape = (int(runs), int(width), int(train), int(test))
        entries.append(BlockEntry(share, number, block.schedule, shape, block.records, tuple(places)))
    return Manifest(
        call.fields,
        named_settings(),
        tuple(axes),
        tuple(sheet_of(program) for program in sheets),
        tuple(entries),
        made,
    )


def blocks_of(call: Call, ledger: Ledger) -> list[Placed]:
    """Blocks that hold a run of a call, in the order of their names."""
    asked = translate(np.arange(count(call.entries)), call.entries, ledger.axes)
    wanted = np.zeros(count(ledger.axes), bool)
    wanted[asked] = True
    return [block for _, block in sorted(ledger.blocks.items()) if wanted[block.cells].any()]


def plans(call: Call, ledger: Ledger, blocks: Sequence[Placed], packing: Packing) -> Plan:
    """Plan of blocks of a store as they are to be trained, along the store's axes.

    Raises
    ------
    InputError
        If a block holds a run outside of the call that cannot be made from what is written, or runs that do not belong
        together, or if one does not fit into memory.
    """
    ours = {entry.paths: (entry, axis.rows) for entry, axis in zip(call.entries, call.axes, strict=True)}
    axes = tuple(as_axis(entry, *ours[entry.paths]) for entry in ledger.axes)
    places = translate(np.arange(count(call.entries)), call.entries, ledger.axes)
    known = {int(places[call.flat(run)]): (key[0], run) for key, runs in call.groups.items() for run in runs}
    wanted = {int(cell) for block in blocks for cell in block.cells}
    indices = {cell: _index(cell, ledger.shape) for cell in wanted}
    others = [indices[cell] for cell in wanted - set(known)]
    groups = read_groups(call.experiment, axes, others)
    made = {run.index: (key[0], run) for key, runs in groups.items() for run in runs}
    runs = {}
    for cell, index in indices.items():
        program, run = known[cell] if cell in known else made[index]
        runs[cell] = program, replace(run, index=index)
    return plan_of(call.experiment, axes, [_plan(b, [runs[int(c)] for c in b.cells]) for b in blocks], packing)


def _index(cell: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(cell, shape)) if shape else ()


def _plan(block: Placed, runs: list[tuple[Program, Run]]) -> BlockPlan:
    program, first = runs[0]
    alike = all(own == program and _same_pool(run, first) for own, run in runs)
    if not alike or _plain(sheet_of(program)) != _plain(block.sheet):
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


def _plain(sheet: Sheet) -> Any:
    return sheet[:3], {name: variable.dims for name, variable in sheet.variables.items()}


def supersede(
    store: Store, call: Call, block: Placed, parts: Sequence[BlockPlan], made: dict[str, Any]
) -> list[tuple[BlockPlan, Placed]]:
    """Write down that a block is trained in parts, which take its place in the store; gives them with their names."""
    while True:
        ledger = store.ledger()
        if ledger is None or block.name not in ledger.blocks:
            raise InputError(f"The manifests of the store {str(store.path)!r} were changed: restore them from a copy.")
        places = iter(ledger.blocks[block.name].cells)
        chosen = [(block.entry.share, part, [int(next(places)) for _ in part.runs]) for part in parts]
        number = len(ledger.manifests)
        if store.append(number, _manifest(call, ledger.axes, chosen, made)):
            names = [f"{number:04d}-{i:05d}" for i in range(len(parts))]
            blocks = (store.ledger() or ledger).blocks
            return [(replace(part, name=name), blocks[name]) for part, name in zip(parts, names, strict=True)]
