"""Whether a sweep has the same bits again: twice, in another order, in another process, and after a kill."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import memjax as mj
from benchmarks.gpu import child
from benchmarks.gpu.sections import Parts, Session

__all__ = ["again", "bits"]

# Runs of one tile, of a few tiles, and of many: with more tiles there is more to be added in some order.
_SIZES, _TINY_SIZES = (100, 700, 3000), (30, 120, 300)
_SEEDS = 4
_RECORDS = ("train_loss", "test_loss", "weight_l2")
_PATIENCE = 90.0


class _Killed(Exception):
    """Ends a sweep in the middle, as a kill would."""


def _sweep(sizes: Sequence[int], seeds: Sequence[int] = range(_SEEDS), store: Path | None = None) -> xr.Dataset:
    task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
    spec = mj.Experiment(task=task, steps=60, record_every=10, measures=("loss", "weight_l2"))
    with _short_segments():
        return mj.sweep(spec, {"train_size": list(sizes), "seed": list(seeds)}, progress=False, store=store)


@contextlib.contextmanager
def _short_segments() -> Iterator[None]:
    """One record in a segment, so that a small sweep can be killed between two of them as a long one is."""
    from memjax.engine.plan import packing

    real = packing.segment_records
    packing.segment_records = lambda *arguments: 1
    try:
        yield
    finally:
        packing.segment_records = real


@contextlib.contextmanager
def _dying(after: int) -> Iterator[None]:
    """Keep every segment of a sweep in its store, and die before one more than so many is kept."""
    from memjax.store import writer

    held = writer._SECONDS, writer._SHARE, writer.StoreKeeper.keep
    left = [after]

    def keep(self: Any, block: Any, result: Any) -> None:
        if left[0] == 0:
            raise _Killed
        left[0] -= 1
        held[2](self, block, result)

    writer._SECONDS, writer._SHARE = 0.0, float("inf")
    setattr(writer.StoreKeeper, "keep", keep)  # noqa: B010 - a method of the class, for a while
    try:
        yield
    finally:
        writer._SECONDS, writer._SHARE = held[:2]
        setattr(writer.StoreKeeper, "keep", held[2])  # noqa: B010


def bits(session: Session) -> Parts:
    """The sweep once, then again in all those ways; each part counts the records that differ."""
    sizes = _TINY_SIZES if session.tiny else _SIZES
    with tempfile.TemporaryDirectory() as scratch:
        stores = [Path(scratch) / name for name in ("here", "there")]
        first: list[xr.Dataset] = []
        yield "first", lambda: {"records": _keep(first, _sweep(sizes))}
        # The second process has its start and its compiles to do meanwhile.
        yield "killed", lambda: {"kept": [_kill(sizes, store) for store in stores]}
        other = child.start("bits:again", {"sizes": sizes, "store": str(stores[1]), "folder": scratch})
        try:
            yield "twice", lambda: differing(first[0], _sweep(sizes))
            yield "in another order", lambda: differing(first[0], _sweep(sizes[::-1], range(_SEEDS)[::-1]))
            yield "resumed in this process", lambda: differing(first[0], _sweep(sizes, store=stores[0]))
            limit = min(_PATIENCE, session.left())
            yield "in a second process", lambda: _of_child(first[0], Path(scratch), child.finish(other, limit))
        finally:
            if other.poll() is None:
                other.kill()


def _keep(place: list[xr.Dataset], dataset: xr.Dataset) -> int:
    place.append(dataset)
    return sum(dataset[name].size for name in _RECORDS)


def _kill(sizes: Sequence[int], store: Path) -> dict[str, int]:
    """Begin the sweep in a store and die; what runs are then there."""
    with contextlib.suppress(_Killed), _dying(3):
        _sweep(sizes, store=store)
    found = mj.open(store)
    return {label: int((found.status == label).sum()) for label in ("finished", "running", "waiting")}


def differing(first: xr.Dataset, second: xr.Dataset) -> dict[str, Any]:
    """Number of records that differ, for every train size."""
    second = second.sel(train_size=first.train_size, seed=first.seed)
    unequal = sum((first[name].values != second[name].values).sum((1, 2)) for name in _RECORDS)
    counts = dict(zip(first.train_size.values.tolist(), np.asarray(unequal).tolist(), strict=True))
    return {"differ": counts, "of": len(_RECORDS) * first.train_loss.size, "pass": not any(counts.values())}


def again(sizes: Sequence[int], store: str, folder: str) -> Iterator[tuple[str, str]]:
    """In a second process: the sweep afresh, and the killed one resumed; the names of their files."""
    for name, own in (("afresh", None), ("resumed", Path(store))):
        path = os.path.join(folder, f"{name}.nc")
        mj.save(_sweep(sizes, store=own), path)
        yield name, path


def _of_child(first: xr.Dataset, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    """What the second process came to."""
    if "ended" in found:
        return {**found, "pass": False}
    rows = {name: differing(first, mj.open(folder / f"{name}.nc")) for name in found}
    return {**rows, "pass": all(row["pass"] for row in rows.values())}
