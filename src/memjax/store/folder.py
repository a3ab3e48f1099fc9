"""The folder of a store: listing, reading and writing its manifests and parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from memjax.checks.file_names import absolute
from memjax.engine.program.outcome import BlockResult
from memjax.errors import InputError
from memjax.experiment.written import AxisEntry
from memjax.store.axes import count, translate
from memjax.store.files import PARTIAL, UnreadableFile, os_errors_as_input_errors, read_regular, write, write_new
from memjax.store.manifest import Manifest
from memjax.store.manifest_reader import read_manifest
from memjax.store.part import PartName, part_bytes, part_name, read_part
from memjax.store.stored_block import StoredBlock, linked

__all__ = ["Damaged", "StoreContents", "Store", "is_store"]

_PARTS = "parts"
_DAMAGED = "damaged"
_FIRST = "manifest-0000.json"


class Damaged(InputError):
    """A part whose content is not what was written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"The part {str(path)!r} is damaged ({problem}): train its runs again with sweep(..., repair=True) or memjax "
            f"run --repair, which puts it aside under {_DAMAGED!r}."
        )
        self.path = path


class _ManifestGone(InputError):
    """A manifest that was removed or replaced since it was read."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The manifest {str(path)!r} was removed, renamed or replaced while the sweep trained, and without it nothing in "
            "its store can be read: put it and its folder back and make the same call again, which goes on from there, or "
            "begin anew with repair=True."
        )


class StoreContents(NamedTuple):
    """The combined content of all manifests of a store.

    Attributes
    ----------
    manifests
        All manifests. The first has the store's experiment, the last has all axes.
    blocks
        The current blocks, by name. If several manifests list a run, the block of the newest manifest holds it.
    """

    manifests: tuple[Manifest, ...]
    blocks: dict[str, StoredBlock]

    @property
    def experiment(self) -> dict[str, Any]:
        """Every field of the experiment: that of the first manifest, or of the last where runs went on to more steps."""
        first, last = self.manifests[0].experiment, self.manifests[-1].experiment
        swept = any("steps" in axis.paths for axis in self.axes)
        return first if swept or first.get("steps") == last.get("steps") else last

    @property
    def axes(self) -> tuple[AxisEntry, ...]:
        """All axes, with all their values."""
        return self.manifests[-1].axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return self.manifests[-1].shape

    @property
    def planned(self) -> np.ndarray:
        """Whether each cell is in a block, by the cell's flat index."""
        found = np.zeros(count(self.axes), bool)
        for block in self.blocks.values():
            found[block.cells] = True
        return found


class Store:
    """A folder of manifests ``manifest-0000.json`` and, under ``parts``, one ``.npz`` per block.

    Every file is written atomically and never changes. A part is removed when a later part of its block replaces it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = absolute("store", path)
        self._manifests: dict[Path, tuple[Manifest, str]] = {}

    def contents(self) -> StoreContents | None:
        """Read the content of all manifests; None if there are no manifests.

        Raises
        ------
        InputError
            If a manifest cannot be read.
        """
        read = [self._manifest(path) for path in self._manifest_paths()]
        if not read:
            return None
        manifests = tuple(manifest for manifest, _ in read)
        placed = linked(
            block
            for i, (manifest, check) in enumerate(read)
            for block in _stored_blocks(i, manifest, check, manifests[-1])
        )
        return StoreContents(manifests, _current_blocks(placed, count(manifests[-1].axes)))

    def _manifest_paths(self) -> Iterator[Path]:
        number = 0
        while (path := self.path / f"manifest-{number:04d}.json").exists():
            yield path
            number += 1

    def _manifest(self, path: Path) -> tuple[Manifest, str]:
        if path not in self._manifests:
            with os_errors_as_input_errors(self.path, "read"):
                self._manifests[path] = read_manifest(read_regular(path), str(path))
        return self._manifests[path]

    def confirmed(self) -> StoreContents | None:
        """Read the content of all manifests again.

        Raises
        ------
        InputError
            If a manifest that was read or written before is missing or changed.
        """
        before, self._manifests = self._manifests, {}
        contents = self.contents()
        for path, (_, check) in before.items():
            if path not in self._manifests or self._manifests[path][1] != check:
                raise _ManifestGone(path)
        return contents

    def append(self, number: int, manifest: Manifest) -> bool:
        """Add a manifest; False if another process was first."""
        path, data = self.path / f"manifest-{number:04d}.json", manifest.to_bytes()
        read = read_manifest(data, str(path))  # Write only a manifest that can be read back.
        with os_errors_as_input_errors(self.path, "written to"):
            written = write_new(path, data)
        if written:
            self._manifests[path] = read
        return written

    def parts(self) -> dict[str, PartName]:
        """The part with the most steps of each block that has a part."""
        found: dict[str, PartName] = {}
        with os_errors_as_input_errors(self.path, "read"):
            names = sorted(os.listdir(self.path / _PARTS)) if (self.path / _PARTS).is_dir() else []
        for name in filter(None, map(PartName.parse, names)):
            if name.block not in found or found[name.block].rank < name.rank:
                found[name.block] = name
        return found

    def read(self, block: StoredBlock, name: PartName | None) -> BlockResult | None:
        """The result of a block from the part ``name`` of an earlier listing; None without a part.

        Raises
        ------
        Damaged
            If the content of the part is not what was written.
        """
        while name is not None:
            path = self.path / _PARTS / name.file
            with os_errors_as_input_errors(self.path, "read"):
                try:
                    content = read_regular(path)
                except FileNotFoundError:
                    name = self.parts().get(block.name)  # A writer has replaced the part meanwhile.
                    continue
                except UnreadableFile as problem:
                    raise Damaged(path, str(problem.strerror)) from problem
            try:
                return read_part(content, name, block.manifest, block.entry, block.schema)
            except ValueError as problem:
                raise Damaged(path, str(problem)) from problem
        return None

    def read_newest(self, block: StoredBlock, parts: dict[str, PartName]) -> tuple[StoredBlock, BlockResult | None]:
        """The newest result of the runs of a block: its own, or that of the block from which it goes on, with that block.

        Raises
        ------
        Damaged
            If the content of the part is not what was written.
        """
        while True:
            newest = block.newest(parts)
            result = self.read(newest, parts.get(newest.name))
            if result is not None or newest.name not in parts:
                return newest, result
            parts = self.parts()  # A writer has finished the block that goes on from it meanwhile.

    def write(self, block: StoredBlock, result: BlockResult, made: dict[str, Any], old: PartName | None) -> PartName:
        """Write the result of a block, then remove its earlier part."""
        data = part_bytes(block.name, block.manifest, result, made)
        name = part_name(block.name, result, data)
        folder = self.path / _PARTS
        if not is_store(self.path):
            # Without its first manifest the store is unreadable, so writing on would be useless.
            raise _ManifestGone(self.path / _FIRST)
        with os_errors_as_input_errors(self.path, "written to"):
            folder.mkdir(exist_ok=True)
            write(folder / name.file, data)
            if old not in (None, name):
                (folder / old.file).unlink(missing_ok=True)
        return name

    def remove_superseded(self, block: StoredBlock, parts: dict[str, PartName]) -> None:
        """Remove the parts of the blocks from which a finished block went on."""
        before = block.before
        with os_errors_as_input_errors(self.path, "written to"):
            while before is not None:
                if before.name in parts:
                    (self.path / _PARTS / parts[before.name].file).unlink(missing_ok=True)
                before = before.before

    def put_aside(self, path: Path) -> None:
        """Move a damaged part out of the way."""
        with os_errors_as_input_errors(self.path, "written to"):
            (self.path / _DAMAGED).mkdir(exist_ok=True)
            path.replace(self.path / _DAMAGED / path.name)

    def tidy(self) -> None:
        """Remove half-written files and replaced parts of killed writers; the caller must hold the store exclusively."""
        kept = self.parts()
        folder = self.path / _PARTS
        with os_errors_as_input_errors(self.path, "written to"):
            for partial in (*self.path.glob(f"{PARTIAL}*"), *folder.glob(f"{PARTIAL}*")):
                partial.unlink(missing_ok=True)
            for path in folder.glob("block-*.npz"):
                name = PartName.parse(path.name)
                if name and kept[name.block] != name:
                    path.unlink(missing_ok=True)


def is_store(path: Path) -> bool:
    """Whether a folder is a store."""
    return (path / _FIRST).is_file()


def _stored_blocks(number: int, manifest: Manifest, check: str, last: Manifest) -> Iterator[StoredBlock]:
    """Blocks of a manifest, with their cells along the axes of the last manifest, which contain all values."""
    if [axis.paths for axis in manifest.axes] != [axis.paths for axis in last.axes]:
        raise InputError("The manifests of the store are of different axes: it was altered. Use another store.")
    sizes = [len(entry.cells) for entry in manifest.blocks]
    written = np.array([cell for entry in manifest.blocks for cell in entry.cells], int)
    cells = translate(written, manifest.axes, last.axes)
    if (cells < 0).any():
        raise InputError("The last manifest of the store lacks values of an axis: it was altered. Use another store.")
    for i, (entry, own_cells) in enumerate(zip(manifest.blocks, np.split(cells, np.cumsum(sizes)[:-1]), strict=False)):
        yield StoredBlock(f"{number:04d}-{i:05d}", check, entry, manifest.sheets[entry.sheet], own_cells)


def _current_blocks(placed: list[StoredBlock], cells: int) -> dict[str, StoredBlock]:
    """Blocks that hold their cells; if several blocks list a cell, the newest holds it."""
    owner = np.full(cells, -1)
    for i, block in enumerate(placed):
        owner[block.cells] = i
    return {block.name: block for i, block in enumerate(placed) if (owner[block.cells] == i).all()}
