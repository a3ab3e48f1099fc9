"""Read a manifest without trust: every field is checked, and inconsistent content is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

from memjax.checks.json_text import read_json
from memjax.engine.program.outcome import RESERVED, RecordSchema, Variable
from memjax.errors import InputError, listing
from memjax.experiment.axes import MOST_CELLS
from memjax.experiment.written import AxisEntry
from memjax.store.manifest import CONTINUING_VERSION, FORMAT, STORE_VERSION, BlockEntry, Manifest, signature

__all__ = ["read_manifest"]

_MOST_CELLS = MOST_CELLS
_MOST_RECORDS = 10**8
_DEEPEST = 40
_LARGEST = 2**31
# Stores of the schemas 2 and 3 are stores of schema 4 without blocks of several widths or depths.
_READ = (2, 3, 4, STORE_VERSION, CONTINUING_VERSION)


def read_manifest(data: bytes, path: str) -> tuple[Manifest, str]:
    """Read a manifest and its checksum, which its parts contain.

    Raises
    ------
    InputError
        If it is not a manifest of this schema, was altered, or is inconsistent.
    """
    try:
        content = read_json(data)
    except (ValueError, RecursionError) as problem:
        raise InputError(f"The manifest {path!r} is not valid JSON: {problem}. {_ADVICE}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path!r} is no manifest of a memjax store.")
    version = content.get("schema")
    if version not in _READ:
        raise InputError(
            f"The store of {path!r} has schema {version!r}, this memjax reads the schemas {listing(_READ)}: use the version "
            "that made it, or another store."
        )
    body = {name: value for name, value in content.items() if name not in ("format", "schema", "checksum")}
    try:
        _ensure(_depth(content) <= _DEEPEST, f"it is nested more than {_DEEPEST} deep")
        if content.get("checksum") != signature(body):
            raise ValueError("its checksum is wrong")
        manifest = replace(_decode(body), version=version)
        old = version != CONTINUING_VERSION and any(block.continues for block in manifest.blocks)
        _ensure(not old, f"a block continues another, which schema {version} does not know")
        return manifest, str(content["checksum"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as problem:
        raise InputError(f"The manifest {path!r} is damaged or was altered ({problem}). {_ADVICE}") from None


_ADVICE = "Without it the parts of the store cannot be read: restore it from a copy, or use another store."


def _depth(data: Any) -> int:
    """Levels of nesting, counted up to the allowed depth."""
    level, depth = [data], 0
    while level and depth <= _DEEPEST:
        inner = [
            value.values() if isinstance(value, dict) else value for value in level if isinstance(value, dict | list)
        ]
        level, depth = [item for values in inner for item in values], depth + 1
    return depth


def _decode(body: dict[str, Any]) -> Manifest:
    manifest = Manifest(
        experiment=_table(body["experiment"]),
        settings=_table(body["settings"]),
        axes=tuple(_axis(axis) for axis in _list(body["axes"])),
        sheets=tuple(_sheet(sheet) for sheet in _list(body["sheets"])),
        blocks=tuple(_block(block) for block in _list(body["blocks"])),
        made=_table(body["made"]),
    )
    _ensure({"packing", "versions", "created"} <= set(manifest.made), "it does not say where it was made")
    _ensure(
        isinstance(manifest.made["packing"], dict) and isinstance(manifest.made["versions"], dict), "made is no table"
    )
    total = math.prod(manifest.shape)
    _ensure(total <= _MOST_CELLS, f"its axes have {total} cells")
    names = [name for axis in manifest.axes for name in axis.labels]
    _ensure(len(set(names)) == len(names), f"two axes share the label of {names}")
    _check_names(set(names), manifest.sheets)
    cells = [cell for block in manifest.blocks for cell in block.cells]
    _ensure(len(set(cells)) == len(cells), "a run is in two blocks")
    _ensure(all(cell < total for cell in cells), f"a run lies outside of the {total} cells")
    _ensure(all(block.sheet < len(manifest.sheets) for block in manifest.blocks), "a block has no sheet")
    return manifest


def _check_names(axes: set[str], sheets: tuple[RecordSchema, ...]) -> None:
    """Raise `ValueError` where two parts of the Dataset would have the same name."""
    tables = [{**sheet.variables, **sheet.examples} for sheet in sheets]
    variables = {name for table in tables for name in table}
    dims = {dim for table in tables for variable in table.values() for dim in variable.dims}
    kept = {name for sheet in sheets for name in sheet.best_names}
    taken = (axes | variables | dims) & {*RESERVED, *kept} | axes & variables | axes & dims | variables & dims
    _ensure(not taken, f"{sorted(taken)} are names of two things")


def _axis(data: Any) -> AxisEntry:
    names, paths = (tuple(_text(name) for name in _list(data[field])) for field in ("names", "paths"))
    values = tuple(_list(data["values"]))
    labels = {_text(name): _list(column) for name, column in _table(data["labels"]).items()}
    # Stores from before values could be named lack this field.
    named = data.get("named", False)
    _ensure(isinstance(named, bool), "an axis is named or is not")
    entry = AxisEntry(names, paths, values, labels, named)
    _ensure(len(names) == len(paths), "an axis has a path too many or too few")
    _ensure(bool(names) and bool(values) and len(labels) in _allowed(names), "an axis is empty")
    _ensure(all(len(column) == len(values) for column in labels.values()), "an axis has a label too many or too few")
    _ensure(len(set(entry.keys)) == len(values), "an axis has repeated values")
    for column in labels.values():
        numbers = all(isinstance(label, bool | int | float) for label in column)
        _ensure(numbers or all(isinstance(label, str) for label in column), "an axis has labels of two kinds")
        whole = [label for label in column if isinstance(label, int)]
        _ensure(all(-(2**63) <= label < 2**64 for label in whole), "a label is too large")
    return entry


def _allowed(names: tuple[str, ...]) -> tuple[int, ...]:
    """Allowed numbers of coordinates of an axis: one per field, and for several fields perhaps one for the dimension."""
    return (len(names), len(names) + 1) if len(names) > 1 else (1,)


def _sheet(data: Any) -> RecordSchema:
    variables, examples = _variables(data["variables"]), _variables(data.get("examples", {}))
    steps = _whole(data["steps"], 1, 10**15)
    _ensure(not {"record_every", "record_at"} <= set(data), "it states its records twice")
    at = _uneven(data["record_at"], steps) if "record_at" in data else _even(data["record_every"], steps)
    when = tuple(_whole(step, 0, steps) for step in _list(data.get("example_steps", [])))
    _ensure(list(when) == sorted(set(when)) and bool(when) == bool(examples), "it has no steps of its examples")
    _ensure(all(len(about.dims) == 1 for about in examples.values()), "a value of an example has no dimension")
    best = _text(data.get("best", ""))
    _ensure(not best or (best in variables and not variables[best].dims), "its best networks have no variable")
    return RecordSchema(steps, at, _whole(data["num_parameters"], 0, 10**15), variables, examples, when, best)


def _even(every: Any, steps: int) -> range:
    every = _whole(every, 1, 10**15)
    _ensure(steps % every == 0, "record_every does not divide steps")
    _ensure(steps // every <= _MOST_RECORDS, "it has too many records")
    return range(0, steps + 1, every)


def _uneven(at: Any, steps: int) -> tuple[int, ...]:
    found = tuple(_whole(step, 0, steps) for step in _list(at))
    _ensure(len(found) <= _MOST_RECORDS, "it has too many records")
    increase = all(before < step for before, step in pairwise(found))
    _ensure(increase and found[:1] == (0,) and found[-1] == steps, "record_at does not increase from 0 to steps")
    return found


def _variables(data: Any) -> dict[str, Variable]:
    found = {}
    for name, (dims, long_name, units) in _table(data).items():
        found[_text(name)] = Variable(tuple(_text(dim) for dim in _list(dims)), _text(long_name), _text(units))
    return found


def _block(data: Any) -> BlockEntry:
    runs, *others = shape = tuple(_whole(size, 1, _LARGEST) for size in _list(data["shape"]))
    _ensure(len(others) >= 3, "a block has no packed shape")
    _ensure(data["schedule"] in ("streamed", "batched"), f"its schedule is {data['schedule']!r}")
    cells = tuple(_whole(cell, 0, _MOST_CELLS) for cell in _list(data["cells"]))
    _ensure(1 <= len(cells) <= runs, "a block holds no run, or more than there is room for")
    share, sheet = (_whole(data[name], 0, _LARGEST) for name in ("share", "sheet"))
    records = _whole(data["records"], 1, _MOST_RECORDS)
    widths = tuple(_whole(width, 1, _LARGEST) for width in _list(data.get("widths", [])))
    sizes = tuple(_whole(size, 0, 10**15) for size in _list(data.get("sizes", [])))
    _ensure(len(sizes) == (len(cells) if widths else 0), "a block does not say the number of parameters of each run")
    layers = _whole(data.get("layers", 0), 0, _LARGEST)
    _ensure(not layers or len(widths) == 1, "a block of several depths does not have one width")
    continues = _text(data.get("continues", ""))
    return BlockEntry(share, sheet, data["schedule"], shape, records, cells, widths, sizes, layers, continues)


def _ensure(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)


def _table(value: Any) -> dict[str, Any]:
    _ensure(isinstance(value, dict), f"{str(value)[:50]!r} is no table")
    return dict(value)


def _list(value: Any) -> list[Any]:
    _ensure(isinstance(value, list), f"{str(value)[:50]!r} is no list")
    return list(value)


def _text(value: Any) -> str:
    _ensure(isinstance(value, str), f"{str(value)[:50]!r} is no text")
    return str(value)


def _whole(value: Any, least: int, most: int) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    _ensure(fits, f"{str(value)[:50]!r} is no whole number from {least} to {most}")
    return int(value)
