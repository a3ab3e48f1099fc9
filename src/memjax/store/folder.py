"""The folder of a store: its manifests and parts, listed, read and written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from memjax.checks.file_names import absolute
from memjax.engine.program.outcome import BlockResult, RecordSchema
from memjax.errors import InputError
from memjax.experiment.written import AxisEntry
from memjax.store.axes import count, translate
from memjax.store.files import PARTIAL, BadSector, read_regular, refusals, write, write_new
from memjax.store.manifest import BlockEntry, Manifest
from memjax.store.manifest_reader import read_manifest
from memjax.store.part import PartName, part_bytes, part_name, read_part

__all__ = ["Damaged", "StoreContents", "StoredBlock", "Store", "is_store"]

_PARTS = "parts"
_DAMAGED = "damaged"
_FIRST = "manifest-0000.json"


class Damaged(InputError):
    """A part that is not what was written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"The part {str(path)!r} is damaged ({problem}): train its runs again with sweep(..., repair=True) or memjax "
            f"run --repair, which puts it aside under {_DAMAGED!r}."
        )
        self.path = path


class _Gone(InputError):
    """A manifest that is no longer what it was."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The manifest {str(path)!r} was removed, renamed or replaced while the sweep trained, and without it nothing in "
            "its store can be read: put it and its folder back and make the same call again, which goes on from there, or "
            "begin anew with repair=True."
        )


class StoredBlock(NamedTuple):
    """A block of a store, with its cells by flat index along the axes that the store has now."""

    name: str
    manifest: str
    entry: BlockEntry
    schema: RecordSchema
    cells: np.ndarray


class StoreContents(NamedTuple):
    """What all manifests of a store say together.

    Attributes
    ----------
    manifests
        All of them; the first is what the store is of, the last has all axes.
    blocks
        Those that count, by name: a run is in one of them at most, that of the latest manifest.
    """

    manifests: tuple[Manifest, ...]
    blocks: dict[str, StoredBlock]

    @property
    def axes(self) -> tuple[AxisEntry, ...]:
        """All axes, with all their values."""
        return self.manifests[-1].axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each axis."""
        return self.manifests[-1].shape

    @property
    def planned(self) -> np.ndarray:
        """Whether each cell is in a block, by flat index."""
        found = np.zeros(count(self.axes), bool)
        for block in self.blocks.values():
            found[block.cells] = True
        return found


class Store:
    """A folder of manifests ``manifest-0000.json`` and, under ``parts``, one ``.npz`` per block.

    Every file appears whole or not at all and is never changed. A part that is superseded by a later one of its block
    is removed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = absolute("store", path)
        self._manifests: dict[Path, tuple[Manifest, str]] = {}

    def ledger(self) -> StoreContents | None:
        """What the manifests say; None if there are none.

        Raises
        ------
        InputError
            If one of them cannot be read.
        """
        read = [self._manifest(path) for path in self._manifest_paths()]
        if not read:
            return None
        manifests = tuple(manifest for manifest, _ in read)
        placed = [block for i, (own, check) in enumerate(read) for block in _place(i, own, check, manifests[-1])]
        return StoreContents(manifests, _latest(placed, count(manifests[-1].axes)))

    def _manifest_paths(self) -> Iterator[Path]:
        number = 0
        while (path := self.path / f"manifest-{number:04d}.json").exists():
            yield path
            number += 1

    def _manifest(self, path: Path) -> tuple[Manifest, str]:
        if path not in self._manifests:
            with refusals(self.path, "read"):
                self._manifests[path] = read_manifest(read_regular(path), str(path))
        return self._manifests[path]

    def confirmed(self) -> StoreContents | None:
        """What the manifests say when they are read once more.

        Raises
        ------
        InputError
            If one of those that were read or written before is gone, or is another now.
        """
        before, self._manifests = self._manifests, {}
        ledger = self.ledger()
        for path, (_, check) in before.items():
            if path not in self._manifests or self._manifests[path][1] != check:
                raise _Gone(path)
        return ledger

    def append(self, number: int, manifest: Manifest) -> bool:
        """Add a manifest; False if another process was first."""
        path, data = self.path / f"manifest-{number:04d}.json", manifest.to_bytes()
        read = read_manifest(data, str(path))  # What cannot be read back is not written.
        with refusals(self.path, "written to"):
            written = write_new(path, data)
        if written:
            self._manifests[path] = read
        return written

    def parts(self) -> dict[str, PartName]:
        """The part that knows most of each block, for every block that has one."""
        found: dict[str, PartName] = {}
        with refusals(self.path, "read"):
            names = sorted(os.listdir(self.path / _PARTS)) if (self.path / _PARTS).is_dir() else []
        for name in filter(None, map(PartName.parse, names)):
            if name.block not in found or found[name.block].rank < name.rank:
                found[name.block] = name
        return found

    def read(self, block: StoredBlock, name: PartName | None) -> BlockResult | None:
        """What there is of a block, whose part was this one when it was listed; None if nothing.

        Raises
        ------
        Damaged
            If its part is not what was written.
        """
        while name is not None:
            path = self.path / _PARTS / name.file
            with refusals(self.path, "read"):
                try:
                    content = read_regular(path)
                except FileNotFoundError:
                    name = self.parts().get(block.name)  # A writer has put a later one in its place.
                    continue
                except BadSector as problem:
                    raise Damaged(path, str(problem.strerror)) from problem
            try:
                return read_part(content, name, block.manifest, block.entry, block.schema)
            except ValueError as problem:
                raise Damaged(path, str(problem)) from problem
        return None

    def write(self, block: StoredBlock, result: BlockResult, made: dict[str, Any], old: PartName | None) -> PartName:
        """Write what there is of a block, then remove the part that it supersedes."""
        data = part_bytes(block.name, block.manifest, result, made)
        name = part_name(block.name, result, data)
        folder = self.path / _PARTS
        if not is_store(self.path):
            # Nothing that is written from now on could be read.
            raise _Gone(self.path / _FIRST)
        with refusals(self.path, "written to"):
            folder.mkdir(exist_ok=True)
            write(folder / name.file, data)
            if old not in (None, name):
                (folder / old.file).unlink(missing_ok=True)
        return name

    def put_aside(self, path: Path) -> None:
        """Move a damaged part out of the way."""
        with refusals(self.path, "written to"):
            (self.path / _DAMAGED).mkdir(exist_ok=True)
            path.replace(self.path / _DAMAGED / path.name)

    def tidy(self) -> None:
        """Remove what killed writers left: half-written files and superseded parts. Only for who holds the store alone."""
        kept = self.parts()
        folder = self.path / _PARTS
        with refusals(self.path, "written to"):
            for partial in (*self.path.glob(f"{PARTIAL}*"), *folder.glob(f"{PARTIAL}*")):
                partial.unlink(missing_ok=True)
            for path in folder.glob("block-*.npz"):
                name = PartName.parse(path.name)
                if name and kept[name.block] != name:
                    path.unlink(missing_ok=True)


def is_store(path: Path) -> bool:
    """Whether a folder is a store."""
    return (path / _FIRST).is_file()


def _place(number: int, manifest: Manifest, check: str, last: Manifest) -> Iterator[StoredBlock]:
    """Blocks of a manifest, with their cells along the last one's axes, which have all values of its own."""
    if [axis.paths for axis in manifest.axes] != [axis.paths for axis in last.axes]:
        raise InputError("The manifests of the store are of different axes: it was altered. Use another store.")
    sizes = [len(entry.cells) for entry in manifest.blocks]
    written = np.array([cell for entry in manifest.blocks for cell in entry.cells], int)
    cells = translate(written, manifest.axes, last.axes)
    if (cells < 0).any():
        raise InputError("The last manifest of the store lacks values of an axis: it was altered. Use another store.")
    for i, (entry, own) in enumerate(zip(manifest.blocks, np.split(cells, np.cumsum(sizes)[:-1]), strict=False)):
        yield StoredBlock(f"{number:04d}-{i:05d}", check, entry, manifest.sheets[entry.sheet], own)


def _latest(placed: list[StoredBlock], cells: int) -> dict[str, StoredBlock]:
    """Blocks that own their cells: the latest that holds a cell owns it."""
    owner = np.full(cells, -1)
    for i, block in enumerate(placed):
        owner[block.cells] = i
    return {block.name: block for i, block in enumerate(placed) if (owner[block.cells] == i).all()}
