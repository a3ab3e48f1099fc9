"""A sweep with a store: plan and train the missing runs, then read the requested Dataset."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from memjax.checks.file_names import shown
from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import Plan
from memjax.engine.program.outcome import BlockResult
from memjax.engine.training.keep import Keeper
from memjax.errors import InputError
from memjax.store.folder import Damaged, Store, is_store
from memjax.store.lock import locked
from memjax.store.missing import add_missing, blocks_of, check_version, plan_blocks, replace_block
from memjax.store.part import PartName
from memjax.store.provenance import record_provenance
from memjax.store.read import read_runs
from memjax.store.request import Request
from memjax.store.stored_block import StoredBlock
from memjax.store.writer import StoreKeeper

__all__ = ["Train", "sweep_in_store"]

_OURS = re.compile(r"lock(-.*)?|parts|damaged|manifest-\d+\.json|\.partial-.*")
_LOG = logging.getLogger("memjax")

Shard = tuple[int, int]
Train = Callable[[Plan, Keeper, int], None]
"""Trains a plan; the last argument is the number of runs that were finished before."""


def sweep_in_store(
    path: str | os.PathLike[str],
    request: Request,
    packing: Packing,
    made: dict[str, Any],
    train: Train,
    shard: Shard | None,
    repair: bool,
    keep_state: bool = False,
) -> xr.Dataset:
    """Train the runs and steps of a request that a store lacks, and return the Dataset of the request.

    Parameters
    ----------
    path
        Folder of the store; created if it does not exist.
    request, packing
        The request, and the packing of new runs.
    made
        Device, lanes and versions.
    train
        Trains a plan.
    shard
        ``(i, n)`` trains only every n-th block, from the i-th; None trains all blocks.
    repair
        Whether to put damaged parts aside and train their runs again.
    keep_state
        Whether to keep the final training state of what is trained, so that the runs can go on to more steps.
    """
    store = Store(path)
    _check_folder(store.path)
    with locked(store.path, shard):
        if shard is None:
            store.tidy()
        contents = add_missing(store, request, packing, made, shard[1] if shard else 1, repair)
        mine = _blocks_of_shard(blocks_of(request, contents), shard)
        if repair:
            check_version(store, contents)
        finished = _finished(store, mine, repair, keep_state)
        left = [block for block in mine if block.name not in finished]
        if left:
            check_version(store, contents)
        plan = plan_blocks(request, contents, left, packing, keep_state)
        if plan.blocks:
            record_provenance(store, made)
            _train(store, request, mine, made, plan, train, sum(len(b.cells) for b in mine if b.name in finished))
        contents = store.confirmed() or contents
        blocks = blocks_of(request, contents)
        # A shard needs only its own blocks to be finished.
        return read_runs(
            store, contents, request.entries, blocks, {block.name for block in _blocks_of_shard(blocks, shard)}
        )


def _blocks_of_shard(blocks: Iterable[StoredBlock], shard: Shard | None) -> list[StoredBlock]:
    """Blocks that a shard trains; all blocks if ``shard`` is None."""
    return [block for block in blocks if shard is None or block.entry.share % shard[1] == shard[0]]


def _check_folder(path: Path) -> None:
    """Raise `InputError` where a store would be mixed with other files."""
    if path.exists() and not path.is_dir():
        raise InputError(f"The store {str(path)!r} is a file: give a folder, or a name that is not taken.")
    if path.is_dir() and not is_store(path):
        others = sorted(name for name in os.listdir(path) if not _OURS.fullmatch(name))
        if others:
            raise InputError(
                f"The folder {str(path)!r} is no store and holds {others[0]!r}: give one that is new or empty."
            )


def _finished(store: Store, blocks: Sequence[StoredBlock], repair: bool, keep_state: bool) -> set[str]:
    """Names of the finished blocks; reads and checks every part, and warns of parts without a state that is to be kept.

    Raises
    ------
    Damaged
        If a part is damaged and ``repair`` is False.
    """
    parts, found, stateless = store.parts(), set(), 0
    for block in blocks:
        kept, result = _whole(store, block, parts, repair)
        if kept is block and result is not None and result.finished:
            # A kill may have come between the last part and the removal of those before it.
            store.remove_superseded(block, parts)
            found.add(block.name)
            stateless += len(block.cells) if result.final_state is None else 0
    if keep_state and stateless:
        _LOG.warning("%d runs were finished before without keep_state, and cannot go on to more steps.", stateless)
    return found


def _whole(
    store: Store, block: StoredBlock, parts: dict[str, PartName], repair: bool
) -> tuple[StoredBlock, BlockResult | None]:
    """The newest result of the runs of a block that is not damaged, and the block that has it."""
    while True:
        try:
            return store.read_newest(block, parts)
        except Damaged as problem:
            if not repair:
                raise
            _LOG.warning("%s is put aside; its runs are trained again.", problem.path)
            store.put_aside(problem.path)
            parts = store.parts()


def _train(
    store: Store,
    request: Request,
    blocks: Sequence[StoredBlock],
    made: dict[str, Any],
    plan: Plan,
    train: Train,
    done: int,
) -> None:
    def on_split(block: StoredBlock, parts: Sequence[BlockPlan]) -> list[tuple[BlockPlan, StoredBlock]]:
        return replace_block(store, request, block, parts, made)

    keeper = StoreKeeper(store, {block.name: block for block in blocks}, made, on_split)
    try:
        train(plan, keeper, done)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Stopped. What was done is kept in {shown(store.path)!r}: the same call goes on from there."
        ) from None
