"""Names, dimensions and attributes of a result: what a reader of the file may rely on."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from memjax.experiment.written import AxisEntry

__all__ = ["SCHEMA_VERSION", "attributes", "coordinate_attrs", "now", "versions"]

SCHEMA_VERSION = 1
"""Goes up when a name or a meaning in the Dataset changes."""

_SHAPE = ("runs", "width", "train_tiles", "test_tiles")
_PACKAGES = ("memjax", "jax", "jaxlib", "flax", "optax", "numpy", "xarray")

# Counts are pure numbers: a unit "steps" beside the name "training step" would say it twice on every axis.
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


def coordinate_attrs(name: str) -> dict[str, str]:
    """Long name and units of a coordinate; an axis without its own entry is named as it is written."""
    return dict(_COORDINATES.get(name, {"long_name": name.replace("_", " ")}))


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a number may depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in _PACKAGES}}


def now() -> str:
    """Time now, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _values(axis: AxisEntry) -> Any:
    """Values of an axis as a spec has them: a list, or a table by name."""
    names = next(iter(axis.labels.values()))
    return dict(zip(names, axis.values, strict=True)) if axis.named else list(axis.values)


def attributes(
    experiment: dict[str, Any],
    axes: Sequence[AxisEntry],
    packed: Sequence[tuple[str, tuple[int, ...]]],
    made: dict[str, Any],
) -> dict[str, Any]:
    """Attributes that say where a Dataset comes from; text and numbers only, so that any format can hold them.

    Parameters
    ----------
    experiment
        Every field, as a spec writes it.
    axes
        Labels of every axis, and what they stand for.
    packed
        Schedule and packed shape of every block.
    made
        Device, lanes and precision (``packing``), ``versions`` and time (``created``).
    """
    shapes = [
        {"schedule": schedule, **dict(zip(_SHAPE, shape, strict=True))} for schedule, shape in dict.fromkeys(packed)
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": json.dumps(experiment, indent=1),
        "axes": json.dumps({name: column for axis in axes for name, column in axis.labels.items()}),
        "over": json.dumps({",".join(axis.names): _values(axis) for axis in axes}),
        "packing": json.dumps({**made["packing"], "blocks": len(packed), "shapes": shapes}),
        "versions": json.dumps(made["versions"]),
        "created": made["created"],
    }
