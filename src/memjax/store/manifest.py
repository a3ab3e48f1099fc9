"""The manifest: what a store is of, and how its runs are partitioned into blocks; JSON, immutable."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from memjax.engine.program.outcome import RecordSchema
from memjax.experiment.written import AxisEntry
from memjax.store.files import checksum

__all__ = ["FORMAT", "STORE_VERSION", "BlockEntry", "Manifest", "signature"]

STORE_VERSION = 2
"""Goes up when the meaning of a file in a store changes."""

FORMAT = "memjax store"
"""What a manifest says it is."""


@dataclass(frozen=True)
class BlockEntry:
    """A block: its sheet by number, schedule, packed shape, records per segment, and its cells by flat index.

    ``share`` decides which shard trains it; the parts of a block have that of the whole.
    """

    share: int
    sheet: int
    schedule: str
    shape: tuple[int, int, int, int]
    records: int
    cells: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """What one call added to a store.

    Attributes
    ----------
    experiment
        Every field, as a spec writes it; those that are swept have no meaning.
    settings
        JAX's settings that change what is computed.
    axes
        All axes that the store has now, with all their values.
    sheets
        What the records of blocks are.
    blocks
        Partition of the runs that this manifest adds.
    made
        Device, lanes and versions; for the reader only.
    """

    experiment: dict[str, Any]
    settings: dict[str, Any]
    axes: tuple[AxisEntry, ...]
    sheets: tuple[RecordSchema, ...]
    blocks: tuple[BlockEntry, ...]
    made: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def to_bytes(self) -> bytes:
        """JSON text with its checksum."""
        content = {
            "experiment": self.experiment,
            "settings": self.settings,
            "axes": [asdict(axis) for axis in self.axes],
            "sheets": [_sheet_out(sheet) for sheet in self.sheets],
            "blocks": [asdict(block) for block in self.blocks],
            "made": self.made,
        }
        head = {"format": FORMAT, "schema": STORE_VERSION, "checksum": signature(content)}
        return json.dumps({**head, **content}).encode()


def signature(content: dict[str, Any]) -> str:
    """Checksum of what a manifest says, whatever the order of its fields."""
    return checksum(json.dumps(content, sort_keys=True).encode())


def _sheet_out(sheet: RecordSchema) -> dict[str, Any]:
    return {**sheet._asdict(), "variables": {name: list(variable) for name, variable in sheet.variables.items()}}
