"""What a report draws of a dataset: which axes are seeds, lines and panels, and which numbers are drawn together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from memjax.errors import listing
from memjax.plots.axes import label_of, text_of
from memjax.plots.lines import is_numeric
from memjax.plots.ranges import range_of
from memjax.plots.styles import CATEGORY_COLORS
from memjax.report.checks import checked_axes
from memjax.results.table import rows_of

__all__ = ["Layout", "layout_of"]

_SPLITS = ("train", "test")
_TIMES = ("step", "snapshot")
_MOST_LINES, _MOST_PANELS, _MOST_QUANTITIES = 12, 4, 12


@dataclass(frozen=True)
class Layout:
    """A dataset as a report draws it.

    Attributes
    ----------
    dataset
        All numbers of runs and steps, with the axes of all runs; the axes of seeds are one dimension, ``over``.
    drawn
        The part of them that the figures show.
    time
        Dimension of the records; empty without records.
    over
        Dimension of the seeds; no dimension of the numbers where there is one seed.
    lines, panels
        Axis with a line for each value, and axis with a panel for each value; empty where there is none.
    axes
        All axes with more than one value, without those of seeds.
    quantities
        Names of the variables of each quantity by split; a quantity without splits has the split ``""``.
    left_out
        Sentences that say what the figures do not show.
    """

    dataset: xr.Dataset
    drawn: xr.Dataset
    time: str
    over: str
    lines: str
    panels: str
    axes: tuple[str, ...]
    quantities: Mapping[str, Mapping[str, str]]
    left_out: tuple[str, ...]


def layout_of(dataset: xr.Dataset) -> Layout:
    """Decide what a report of a dataset draws; raises `InputError` where it is of no sweep, or nothing is left of it."""
    names = checked_axes(dataset)
    kept = _numbers(dataset, names)
    further = _further(dataset, kept)
    numbers, over = _one_seed_axis(_with_own_labels(dataset[kept]), [name for name in names if name in dataset.dims])
    numbers = _with_readable_labels(numbers, dataset)
    numbers = numbers.isel({dim: 0 for dim in (*names, *_TIMES) if numbers.sizes.get(dim) == 1})
    axes = [str(dim) for dim in numbers.dims if dim in names and dim != over]
    # A line and a place on an axis need an order, which numbers have.
    lines = next((axis for axis in axes if is_numeric(numbers[axis])), axes[0] if axes else "")
    others = [axis for axis in axes if axis != lines]
    time = next((time for time in _TIMES if numbers.sizes.get(time, 0) > 1), "")
    drawn, left_out = _selected(numbers, lines, others)
    shown = [str(name) for name in numbers.data_vars]
    if len(shown) > _MOST_QUANTITIES:
        more = listing(label_of(numbers[name]) for name in shown[_MOST_QUANTITIES:])
        left_out.append(f"Figures show the first {_MOST_QUANTITIES} quantities only, and not {more}.")
        shown = shown[:_MOST_QUANTITIES]
    if further:
        left_out.append(f"Not shown here, because they have a value for each of {further}")
    return Layout(
        numbers,
        drawn[shown],
        time,
        over,
        lines,
        others[0] if others else "",
        tuple(axes),
        _quantities(shown),
        tuple(left_out),
    )


def _numbers(dataset: xr.Dataset, axes: list[str]) -> list[str]:
    """Variables with one number for each run, or for each run and record."""
    rows = rows_of(dataset, axes)
    return [str(name) for name, array in dataset.data_vars.items()
            if name != "parameters" and set(array.dims) <= set(rows) and array.dtype.kind in "biuf"]  # fmt: skip


def _further(dataset: xr.Dataset, kept: list[str]) -> str:
    """Words for the variables that have further dimensions, by these dimensions."""
    names = [
        str(name) for name in dataset.data_vars if name not in kept and name not in ("parameters", "best_parameters")
    ]
    own = {name: str(dataset[name].dims[-1]).replace("_", " ") for name in names}
    return "; ".join(f"several {dim}s: {label_of(dataset[name])}" for name, dim in own.items())


def _with_own_labels(numbers: xr.Dataset) -> xr.Dataset:
    """Variables with the name behind the label where several have one label, as derived variables and their origin do."""
    labels = Counter(label_of(array) for array in numbers.data_vars.values())
    shared = {name: array for name, array in numbers.data_vars.items() if labels[label_of(array)] > 1}
    return numbers.assign({name: _with_name(array) for name, array in shared.items()})


def _with_name(array: xr.DataArray) -> xr.DataArray:
    words = label_of(array.assign_attrs(units=""))
    low, high = range_of(array)
    # The range of an accuracy is known from the words alone, which are no longer the same.
    known = {"valid_range": (low, high)} if np.isfinite([low, high]).all() else {}
    return array.assign_attrs(long_name=f"{words} ({array.name})", **known)


def _with_readable_labels(numbers: xr.Dataset, dataset: xr.Dataset) -> xr.Dataset:
    """Put the values of fields that move together in place of their positions along the axis."""
    for axis in map(str, numbers.dims):
        own = [name for name in dataset.coords if name != axis and dataset[name].dims == (axis,)]
        if own and dataset[axis].values.tolist() == list(range(dataset.sizes[axis])):
            rows = zip(*(dataset[name].values.tolist() for name in own), strict=True)
            labels = np.array([", ".join(map(text_of, row)) for row in rows])
            long_name = {"long_name": ", ".join(label_of(dataset[name]) for name in own)}
            numbers = numbers.assign_coords({axis: (axis, labels, long_name)})
    return numbers


def _one_seed_axis(numbers: xr.Dataset, axes: list[str]) -> tuple[xr.Dataset, str]:
    """The numbers with all axes of seeds as one dimension, and its name."""
    seeds = [axis for axis in axes if axis == "seed" or axis.endswith("_seed")]
    if not seeds:
        return numbers, "seed"
    if len(seeds) == 1:
        found = numbers if seeds == ["seed"] else numbers.drop_vars("seed", errors="ignore").rename({seeds[0]: "seed"})
        return found, "seed"
    return numbers.drop_vars("run", errors="ignore").stack(run=seeds, create_index=False), "run"


def _selected(numbers: xr.Dataset, lines: str, others: list[str]) -> tuple[xr.Dataset, list[str]]:
    """Values of the axes that the figures show, and sentences on those that they do not show."""
    said: list[str] = []
    if lines:
        most = _MOST_LINES if is_numeric(numbers[lines]) else len(CATEGORY_COLORS)
        numbers = _thinned(numbers, lines, most, said)
    if others:
        numbers = _thinned(numbers, others[0], _MOST_PANELS, said)
    for axis in others[1:]:
        labels = [text_of(label) for label in numbers[axis].values.tolist()]
        said.append(
            f"Figures show the runs with {label_of(numbers[axis])} = {labels[0]} only, one of {len(labels)} values: "
            f"choose another one with dataset.sel({axis}=...), and report on that."
        )
        numbers = numbers.isel({axis: 0})
    return numbers, said


def _thinned(numbers: xr.Dataset, axis: str, most: int, said: list[str]) -> xr.Dataset:
    count = numbers.sizes[axis]
    if count <= most:
        return numbers
    said.append(f"Figures show {most} of the {count} values of {label_of(numbers[axis])}.")
    return numbers.isel({axis: np.unique(np.linspace(0, count - 1, most).round().astype(int))})


def _quantities(names: list[str]) -> dict[str, dict[str, str]]:
    """Variables of train and test set together, under the name that they share."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        split, _, quantity = name.partition("_")
        if split in _SPLITS and quantity:
            found.setdefault(quantity, {})[split] = name
        else:
            found.setdefault(name, {})[""] = name
    return found
