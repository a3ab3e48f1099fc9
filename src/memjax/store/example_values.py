"""Values of single examples in a part: bits are packed, eight in a byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from memjax.engine.program.example_rows import CORRUPTED, TRAIN_COUNT
from memjax.engine.program.outcome import BlockResult, RecordSchema

__all__ = ["check_examples", "read_examples", "write_examples"]

_KINDS = {TRAIN_COUNT: "u", CORRUPTED: "b"}


def write_examples(result: BlockResult, put: Callable[[np.ndarray], int]) -> dict[str, Any]:
    """Header fields of the rows and the values of single examples; none if there are none."""
    if not result.rows:
        return {}
    return {
        "rows": {name: _write(values, put) for name, values in result.rows.items()},
        "examples": {name: _write(values, put) for name, values in result.examples.items()},
    }


def read_examples(header: dict[str, Any], get: Callable[[Any], np.ndarray]) -> dict[str, Any]:
    """Rows and values of single examples, by field of the result."""
    return {
        field: {str(name): _read(entry, get) for name, entry in header.get(field, {}).items()}
        for field in ("rows", "examples")
    }


def _write(values: np.ndarray, put: Callable[[np.ndarray], int]) -> Any:
    if values.dtype != bool:
        return put(values)
    return {"bits": put(np.packbits(values, axis=-1)), "count": values.shape[-1]}


def _read(entry: Any, get: Callable[[Any], np.ndarray]) -> np.ndarray:
    if not isinstance(entry, dict):
        return get(entry)
    packed, count = get(entry["bits"]), entry["count"]
    if not isinstance(count, int) or packed.dtype != np.uint8 or packed.shape[-1] != -(-count // 8):
        raise ValueError("its bits do not fit")
    return np.unpackbits(packed, axis=-1, count=count).astype(bool)


def check_examples(result: BlockResult, runs: int, sheet: RecordSchema) -> None:
    """Raise `ValueError` where values of single examples do not fit the block."""
    count = sum(step <= result.step for step in sheet.example_steps)
    if set(result.examples) != (set(sheet.examples) if count else set()):
        raise ValueError("it does not hold the values of examples of its manifest")
    widths = {}
    for name, rows in result.rows.items():
        if rows.ndim != 2 or len(rows) != runs or rows.dtype.kind != _KINDS.get(name, "i"):
            raise ValueError(f"{name} has the shape {list(rows.shape)}")
        widths["example" if name in _KINDS else name] = rows.shape[1]
    if any(len({rows.shape[1] for rows in _of_data(result)}) > 1 for _ in result.rows):
        raise ValueError("it does not say what became of every row")
    for name, values in result.examples.items():
        (dim,) = sheet.examples[name].dims
        if values.shape != (runs, count, widths.get(dim)) or values.dtype.kind not in "fb":
            raise ValueError(f"{name} has the shape {list(values.shape)}")


def _of_data(result: BlockResult) -> list[np.ndarray]:
    return [rows for name, rows in result.rows.items() if name in ("example", *_KINDS)]
