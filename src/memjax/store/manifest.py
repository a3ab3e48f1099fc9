"""The manifest, an immutable JSON file: the experiment of a store, and the partition of its runs into blocks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from memjax.engine.program.outcome import RecordSchema, Variable
from memjax.experiment.written import AxisEntry
from memjax.models.padding import Stack
from memjax.store.files import checksum

__all__ = ["CONTINUING_VERSION", "FORMAT", "STORE_VERSION", "BlockEntry", "Manifest", "signature"]

STORE_VERSION = 5
"""Increases when the meaning of a file in a store changes.

Version 3 added blocks of networks of several widths, and version 4 of several depths. Records of version 4 differ from earlier
ones in the last bits of float32, so an earlier store is read and not extended. In version 5 all runs of a batched block have
the same number of tiles, so an earlier store with batched blocks is read and not extended.
"""

CONTINUING_VERSION = 6
"""Schema of a manifest in which a block continues another.

Only such manifests have it, so that other stores stay what they are; an earlier memjax refuses them, which would take the runs
for ones that have not begun.
"""

FORMAT = "memjax store"
"""Value of the field ``format`` of a manifest."""


@dataclass(frozen=True)
class BlockEntry:
    """A block: number of its sheet, schedule, packed shape, records per segment, and flat indices of its cells.

    ``share`` decides which shard trains the block; when a block is split, its parts keep the share. A block of networks of
    several widths has the ``widths`` to which they are padded, and the number of parameters of each run in ``sizes``; both
    are empty for any other block. If the networks have several depths, there is one width, and ``layers`` says the number of
    hidden layers to which they are padded; else zero. ``continues`` names a block of the same runs, in an earlier manifest,
    from whose last state the block goes on to more steps; it is empty for a block that starts at step 0.
    """

    share: int
    sheet: int
    schedule: str
    shape: tuple[int, ...]
    records: int
    cells: tuple[int, ...]
    widths: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    layers: int = 0
    continues: str = ""

    @property
    def room(self) -> tuple[int, ...] | Stack:
        """The widths, or the width and the number of layers, to which networks are padded; empty without padding."""
        return Stack(self.widths[0], self.layers) if self.layers else self.widths


@dataclass(frozen=True)
class Manifest:
    """What one call added to a store.

    Attributes
    ----------
    experiment
        Every field of the experiment, encoded; the values of swept fields are ignored.
    settings
        JAX's settings that change the numbers.
    axes
        All axes of the store so far, with all their values.
    sheets
        Schemas of the blocks' records.
    blocks
        Blocks of the runs that this manifest adds.
    made
        Device, lanes and versions; for information only.
    version
        `STORE_VERSION` of the memjax that wrote the manifest.
    """

    experiment: dict[str, Any]
    settings: dict[str, Any]
    axes: tuple[AxisEntry, ...]
    sheets: tuple[RecordSchema, ...]
    blocks: tuple[BlockEntry, ...]
    made: dict[str, Any]
    version: int = STORE_VERSION

    @property
    def extends(self) -> bool:
        """Whether this memjax would give the bits that are there."""
        batched = any(block.schedule == "batched" for block in self.blocks)
        return self.version in (STORE_VERSION, CONTINUING_VERSION) or (self.version == 4 and not batched)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def to_bytes(self) -> bytes:
        """JSON text with its checksum."""
        content = {
            "experiment": self.experiment,
            "settings": self.settings,
            "axes": [asdict(axis) for axis in self.axes],
            "sheets": [_encode_sheet(sheet) for sheet in self.sheets],
            "blocks": [_encode_block(block) for block in self.blocks],
            "made": self.made,
        }
        head = {"format": FORMAT, "schema": self.version, "checksum": signature(content)}
        return json.dumps({**head, **content}).encode()


def signature(content: dict[str, Any]) -> str:
    """Checksum of the content of a manifest, independent of the order of its fields."""
    return checksum(json.dumps(content, sort_keys=True).encode())


def _encode_block(block: BlockEntry) -> dict[str, Any]:
    fields = asdict(block)
    return fields if block.continues else {name: value for name, value in fields.items() if name != "continues"}


def _encode_sheet(sheet: RecordSchema) -> dict[str, Any]:
    at = {"record_every": sheet.at.step} if isinstance(sheet.at, range) else {"record_at": list(sheet.at)}
    examples = {"examples": _encode_variables(sheet.examples), "example_steps": list(sheet.example_steps)}
    return {
        "steps": sheet.steps,
        # A memjax that knows no uneven records refuses a sheet without record_every, where it would misread its steps.
        **at,
        "num_parameters": sheet.num_parameters,
        "variables": _encode_variables(sheet.variables),
        **(examples if sheet.examples else {}),
        **({"best": sheet.best} if sheet.best else {}),
    }


def _encode_variables(variables: dict[str, Variable]) -> dict[str, Any]:
    return {name: list(variable) for name, variable in variables.items()}
