"""Read a whole request, an experiment and its axes, from decoded JSON or TOML of the command line and of Datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memjax.errors import InputError
from memjax.experiment.axes import MOST_CELLS
from memjax.experiment.decode import decode, from_table
from memjax.experiment.experiment import Experiment

__all__ = ["read_experiment", "read_over"]

# With one of these keys a table means a range or a single value, not values by name.
_NOT_NAMES = {"range", "start", "stop", "step", "type", "reference", "content"}


def read_experiment(data: Any, using: Sequence[Any] = ()) -> Experiment:
    """Build an experiment from decoded JSON or TOML; raises `InputError` like `Experiment.from_json`."""
    return from_table(Experiment, data, using)


def read_over(data: Any, using: Sequence[Any] = ()) -> dict[str | tuple[str, ...], list[Any] | dict[str, Any]]:
    """Build axes from decoded JSON or TOML.

    The values of an axis are a list, ``{range = [start, stop, step]}``, or a table from names to values; the names become
    the labels. Commas join the fields of one axis.

    Examples
    --------
    >>> read_over({"seed": {"range": [3]}, "train_size, steps": [[50, 100], [100, 200]]})
    {'seed': [0, 1, 2], ('train_size', 'steps'): [(50, 100), (100, 200)]}
    """
    if not isinstance(data, Mapping):
        raise InputError(f"`over` must be a table of axes, but got {type(data).__name__}.")
    axes: dict[str | tuple[str, ...], list[Any] | dict[str, Any]] = {}
    for name, values in data.items():
        fields = tuple(part.strip() for part in name.split(","))
        axes[fields if len(fields) > 1 else fields[0]] = _values(name, values, using)
    return axes


def _values(name: str, values: Any, using: Sequence[Any]) -> list[Any] | dict[str, Any]:
    if isinstance(values, Mapping) and set(values) == {"range"}:
        bounds = values["range"] if isinstance(values["range"], list) else [values["range"]]
        if not 1 <= len(bounds) <= 3 or not all(_is_bound(bound) for bound in bounds) or bounds[2:] == [0]:
            raise InputError(
                f"The range of axis {name!r} is {bounds!r}: give [stop], [start, stop] or [start, stop, step]."
            )
        found = range(*bounds)
        if not found:
            raise InputError(f"The range {bounds} of axis {name!r} has no values: give at least one.")
        # len() of a range over all 64 bits would overflow; slices do not.
        if found[: MOST_CELLS + 1] != found[:MOST_CELLS]:
            raise InputError(f"The range {bounds} of axis {name!r} has more than {MOST_CELLS:,} values: give fewer.")
        return list(found)
    if isinstance(values, Mapping) and values and not _NOT_NAMES & set(values):
        return {str(label): decode(value, using) for label, value in values.items()}
    if not isinstance(values, list):
        raise InputError(
            f"The axis {name!r} has the values {values!r}: give a list, a table with range, or a table of values by their "
            "names."
        )
    return [decode(value, using) for value in values]


def _is_bound(value: Any) -> bool:
    """Whether a value can bound a range: an integer of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
