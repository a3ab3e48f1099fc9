"""Names, dimensions and attributes of a result, on which readers of a file may rely."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from memjax.experiment.written import AxisEntry
from memjax.models.padding import Stack

__all__ = ["SCHEMA_VERSION", "attributes", "coordinate_attrs", "now", "on_one_line", "status_attrs", "versions"]

SCHEMA_VERSION = 1
"""Increases when a name or a meaning in the Dataset changes."""

_SHAPE = ("runs", "width", "train_tiles", "test_tiles")
_PACKAGES = ("memjax", "jax", "jaxlib", "flax", "optax", "numpy", "xarray")

# Counts have no unit: the name "training step" with a unit "steps" would repeat the word on every axis of a figure.
_COORDINATES: dict[str, dict[str, str]] = {
    "step": {"long_name": "training step", "units": "1"},
    "train_size": {"long_name": "number of train examples", "units": "1"},
    "test_size": {"long_name": "number of test examples", "units": "1"},
    "batch_size": {"long_name": "batch size", "units": "1"},
    "learning_rate": {"long_name": "learning rate", "units": "1"},
    "snapshot": {"long_name": "training step of the snapshot", "units": "1"},
    "num_parameters": {"long_name": "number of parameters", "units": "1"},
    "status": {
        "long_name": "finished, or diverged: the loss or a parameter stopped being finite; in a store that is not full also "
        "running, waiting, or absent: never asked for"
    },
    "stop_reason": {"long_name": "what stopped being finite in a diverged run"},
    "stop_step": {"long_name": "steps done; in a diverged run the last step with finite parameters", "units": "1"},
}


# Where a run was stopped by its condition.
_STOPPED = {
    "status": "finished, stopped by the condition of stop_when, or diverged: the loss or a parameter stopped being finite; in "
    "a store that is not full also running, waiting, or absent: never asked for",
    "stop_reason": "why a run stopped, or what stopped being finite in a diverged run",
    "stop_step": "steps done; in a diverged run the last step with finite parameters, in a stopped one that of its last update",
}


def status_attrs(name: str, stopped: bool) -> dict[str, str]:
    """Long name and units of a coordinate of what became of runs; ``stopped`` says whether the condition stopped any."""
    return coordinate_attrs(name) | ({"long_name": _STOPPED[name]} if stopped and name in _STOPPED else {})


def coordinate_attrs(name: str) -> dict[str, str]:
    """Long name and units of a coordinate; the long name of an axis without an entry is its name."""
    return dict(_COORDINATES.get(name, {"long_name": name.replace("_", " ")}))


def on_one_line(text: str) -> str:
    """JSON text without line breaks, which a display of the attributes would show: earlier versions wrote one line a field.

    Examples
    --------
    >>> on_one_line(json.dumps({"steps": 20, "seed": 0}, indent=1))
    '{"steps": 20, "seed": 0}'
    """
    return json.dumps(json.loads(text)) if "\n" in text else text


def versions() -> dict[str, str]:
    """Versions of Python and of the packages on which the numbers may depend."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in _PACKAGES}}


def now() -> str:
    """Current time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _values(axis: AxisEntry) -> Any:
    """Encoded values of an axis as a spec writes them: a list, or a table by name."""
    names = next(iter(axis.labels.values()))
    return dict(zip(names, axis.values, strict=True)) if axis.named else list(axis.values)


def attributes(
    experiment: dict[str, Any],
    axes: Sequence[AxisEntry],
    packed: Sequence[tuple[str, tuple[int, ...], tuple[int, ...] | Stack | None]],
    made: dict[str, Any],
) -> dict[str, Any]:
    """Attributes with the provenance of a Dataset; they are text and numbers only, so that any file format can hold them.

    Parameters
    ----------
    experiment
        Every field of the experiment, encoded.
    axes
        Every axis, encoded.
    packed
        Schedule and packed shape of every block, and the widths and depth to which its networks are padded, if they are.
    made
        ``packing`` (device, lanes and precision), ``versions`` of packages, and ``created`` (time).
    """
    shapes = [
        {"schedule": schedule, **_named(shape), **_padding(room)} for schedule, shape, room in dict.fromkeys(packed)
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": json.dumps(experiment),
        "axes": json.dumps({name: column for axis in axes for name, column in axis.labels.items()}),
        "over": json.dumps({",".join(axis.names): _values(axis) for axis in axes}),
        "packing": json.dumps({**made["packing"], "blocks": len(packed), "shapes": shapes}),
        "versions": json.dumps(made["versions"]),
        "created": made["created"],
    }


def _named(shape: tuple[int, ...]) -> dict[str, Any]:
    """A packed shape by the names of its numbers; the tiles of further splits are a list."""
    more = {"more_tiles": list(shape[4:])} if shape[4:] else {}
    return {**dict(zip(_SHAPE, shape, strict=False)), **more}


def _padding(room: tuple[int, ...] | Stack | None) -> dict[str, Any]:
    if isinstance(room, Stack):
        return {"widths": [room.width], "layers": room.layers}
    return {"widths": list(room)} if room else {}
