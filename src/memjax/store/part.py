"""A part: the finished or intermediate result of one block, as the bytes of a file whose name contains its checksum."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np

from memjax.engine.program.outcome import BlockResult, RecordSchema, Status
from memjax.parameter_trees import Layout
from memjax.store.best_networks import check_best, parameters_of, read_best
from memjax.store.example_values import check_examples, read_examples, write_examples
from memjax.store.files import checksum
from memjax.store.manifest import BlockEntry
from memjax.store.npz import dump, load

__all__ = ["PartName", "part_bytes", "part_name", "read_part"]

_NAME = re.compile(r"block-(\d{4,}-\d{5,})\.(done|step-(\d{1,18}))\.([0-9a-f]{32})\.npz")


class PartName(NamedTuple):
    """The name of a part, parsed.

    Attributes
    ----------
    block
        Name of the block.
    step
        Number of steps done; None if the block is finished.
    checksum
        Checksum of the content.
    """

    block: str
    step: int | None
    checksum: str

    @property
    def rank(self) -> float:
        """Order of the parts of one block: larger after more steps."""
        return math.inf if self.step is None else self.step

    @property
    def file(self) -> str:
        """Name of the file."""
        stage = "done" if self.step is None else f"step-{self.step:08d}"
        return f"block-{self.block}.{stage}.{self.checksum}.npz"

    @classmethod
    def parse(cls, name: str) -> PartName | None:
        """Parse a file name; None if it is not the name of a part."""
        found = _NAME.fullmatch(name)
        return found and cls(found[1], None if found[3] is None else int(found[3]), found[4])


def part_name(block: str, result: BlockResult, data: bytes) -> PartName:
    """Name of the part with this result."""
    return PartName(block, None if result.finished else result.step, checksum(data))


def part_bytes(block: str, manifest: str, result: BlockResult, made: dict[str, Any]) -> bytes:
    """Content of a part: numbered arrays, and a header that maps each result to the number of its array."""
    arrays: list[np.ndarray] = []

    def put(array: np.ndarray) -> int:
        arrays.append(np.asarray(array))
        return len(arrays) - 1

    records = {
        name: [[label, put(column)] for label, column in part.items()] if isinstance(part, dict) else put(part)
        for name, part in result.records.items()
    }
    header = {
        "block": block,
        "manifest": manifest,
        "made": made,
        "step": result.step,
        "records": records,
        "status": put(result.status),
        "stop_step": put(result.stop_step),
        "snapshots": {str(step): put(flat) for step, flat in result.snapshots.items()},
        **_write_layouts(result.layouts),
        "state": None if result.state is None else [put(leaf) for leaf in result.state],
        **write_examples(result, put),
    }
    if result.final_state is not None:
        header["final_state"] = [put(leaf) for leaf in result.final_state]
    if result.best is not None:
        header["best"] = [put(array) for array in result.best]
    return dump(header, arrays)


def read_part(data: bytes, name: PartName, manifest: str, entry: BlockEntry, sheet: RecordSchema) -> BlockResult:
    """Read a part and check it against its name, its manifest and its block.

    Raises
    ------
    ValueError
        If the part is invalid in any way.
    """
    if checksum(data) != name.checksum:
        raise ValueError("its checksum is wrong")
    header, arrays = load(data)
    try:
        if header["manifest"] != manifest or header["block"] != name.block:
            raise ValueError("it belongs to another block or another store")
        result = _result(header, arrays)
        _check(result, name, len(entry.cells), sheet)
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as problem:
        raise ValueError(f"its header does not fit: {type(problem).__name__} {problem}") from problem
    return result


def _result(header: dict[str, Any], arrays: list[np.ndarray]) -> BlockResult:
    def get(place: Any) -> np.ndarray:
        if not isinstance(place, int) or isinstance(place, bool) or place < 0:
            raise ValueError(f"{place!r} is no array's number")
        return arrays[place]

    def leaves(places: Any) -> tuple[np.ndarray, ...] | None:
        return None if places is None else tuple(get(place) for place in places)

    return BlockResult(
        step=header["step"],
        records={
            name: {_label(label): get(place) for label, place in part} if isinstance(part, list) else get(part)
            for name, part in header["records"].items()
        },
        status=get(header["status"]),
        stop_step=get(header["stop_step"]),
        snapshots={int(step): get(place) for step, place in header["snapshots"].items()},
        layouts=_read_layouts(header),
        state=leaves(header["state"]),
        final_state=leaves(header.get("final_state")),
        best=read_best(leaves(header.get("best"))),
        **read_examples(header, get),
    )


def _write_layouts(layouts: tuple[Layout, ...]) -> dict[str, Any]:
    """Header fields: one layout of all runs, or different layouts and the number of each run's own."""
    if len(layouts) < 2:
        return {"layout": layouts[0] if layouts else []}
    different: list[Layout] = []
    for layout in layouts:
        if layout not in different:
            different.append(layout)
    return {"layouts": different, "layout_of": [different.index(layout) for layout in layouts]}


def _read_layouts(header: dict[str, Any]) -> tuple[Layout, ...]:
    if "layouts" not in header:
        return (_read_layout(header["layout"]),) if header["layout"] else ()
    different = [_read_layout(layout) for layout in header["layouts"]]
    if any(not isinstance(i, int) or isinstance(i, bool) or i < 0 for i in header["layout_of"]):
        raise ValueError("a run has no layout of parameters")
    return tuple(different[i] for i in header["layout_of"])


def _read_layout(layout: Any) -> Layout:
    return [([str(key) for key in path], [int(size) for size in shape]) for path, shape in layout]


def _label(value: Any) -> str | int | float:
    if not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no label")
    return value


def _check(result: BlockResult, name: PartName, runs: int, sheet: RecordSchema) -> None:
    """Raise `ValueError` where a result does not fit its block."""
    step = sheet.steps if name.step is None else name.step
    if result.step != step or (name.step is None) != result.finished or step not in sheet.at:
        raise ValueError(f"it says step {result.step!r}")
    if result.status.shape != (runs,) or result.stop_step.shape != (runs,) or result.status.dtype.kind != "i":
        raise ValueError(f"it does not hold the status of {runs} runs")
    if not set(result.status.tolist()) <= set(Status):
        raise ValueError("it holds an unknown status")
    if set(result.records) != set(sheet.variables):
        raise ValueError("it does not hold the variables of its manifest")
    count = bisect_right(sheet.at, step)
    for variable, part in result.records.items():
        num_dims = len(sheet.variables[variable].dims)
        for leaf in part.values() if isinstance(part, dict) else [part]:
            if leaf.shape[:2] != (runs, count) or leaf.ndim != (2 if isinstance(part, dict) else 2 + num_dims):
                raise ValueError(f"{variable} has the shape {list(leaf.shape)}")
        if isinstance(part, dict) and num_dims != 1:
            raise ValueError(f"{variable} has labels but no dimension for them")
    _check_snapshots(result.snapshots, result.layouts, runs)
    check_examples(result, runs, sheet)
    check_best(result, runs, sheet)


def _check_snapshots(snapshots: dict[int, np.ndarray], layouts: tuple[Layout, ...], runs: int) -> None:
    if len(layouts) not in (0, 1, runs):
        raise ValueError(f"it holds {len(layouts)} layouts of parameters for {runs} runs")
    for layout in layouts:
        if any(min(shape, default=1) < 0 for _, shape in layout) or any(not path for path, _ in layout[1:]):
            raise ValueError("its parameters have no layout")
    size = parameters_of(layouts)
    for step, flat in snapshots.items():
        if flat.shape != (runs, size) or flat.dtype.kind not in "iufcV" or step < 0:
            raise ValueError(f"the parameters of step {step} have the shape {list(flat.shape)}")
