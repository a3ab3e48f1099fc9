"""Final values of a report: each quantity at the end of its runs against the swept axes, as figures and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.pages.table import Table
from memjax.plots.axes import label_of
from memjax.plots.lines import is_numeric
from memjax.plots.ranges import range_of
from memjax.report.curves import Drawing, long_name, named, seeds_text
from memjax.report.layout import Layout
from memjax.studies.kit.estimate import Estimate, estimate
from memjax.studies.kit.grid import Column, Columns, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["at_end", "draw_finals", "finals_table"]

_MOST_ROWS = 60
_LEAST_OF_A_MAP = 4


def at_end(numbers: xr.Dataset, time: str) -> xr.Dataset:
    """Numbers at the last record of each run; NaN for a run that diverged before.

    Where runs have different numbers of steps, the end of a run is at its own number.
    """
    if not time:
        return numbers
    last = numbers[time].values[-1]
    own = numbers["steps"] if time == "step" and "steps" in numbers.coords else xr.DataArray(last)
    return numbers.sel({time: own.clip(max=last)})


def draw_finals(layout: Layout) -> Iterator[Drawing]:
    """Figures of the final values against the first axis with numbers, and against the second axis."""
    if not layout.lines or not is_numeric(layout.drawn[layout.lines]) or layout.drawn.sizes[layout.lines] < 2:
        return
    ends = at_end(layout.drawn, layout.time)
    for name, splits in layout.quantities.items():
        if all(layout.lines in ends[one].dims for one in splits.values()):
            where = " and ".join(long_name(ends[axis]) for axis in (layout.lines, layout.panels) if axis)
            caption = f"{named(layout, splits)} at the end of the runs against {where}{seeds_text(layout)}."
            yield Drawing(f"final_{name}", _figure(layout, ends, splits), caption)


def _figure(layout: Layout, ends: xr.Dataset, splits: Mapping[str, str]) -> Figure:
    figure, axes = plots.panels(1, len(splits), width=4.2, height=3.1)
    for ax, name in zip(axes, splits.values(), strict=True):
        if not layout.panels or layout.panels not in ends[name].dims:
            plots.curve(ends[name], layout.lines, layout.over, ax)
        elif _is_map(ends, layout):
            plots.phase_diagram(ends[name], layout.lines, layout.panels, layout.over, ax)
        else:
            plots.curves(ends[name], layout.lines, layout.panels, layout.over, ax)
    return figure


def _is_map(ends: xr.Dataset, layout: Layout) -> bool:
    """Whether both axes have numbers enough for a map."""
    return (
        is_numeric(ends[layout.panels]) and min(ends.sizes[layout.lines], ends.sizes[layout.panels]) >= _LEAST_OF_A_MAP
    )


def finals_table(layout: Layout) -> Table | None:
    """All quantities at the end of the runs, with a row for each combination of the axes; None for too many rows."""
    ends = at_end(layout.dataset, layout.time)
    if not ends.data_vars or np.prod([ends.sizes[axis] for axis in layout.axes]) > _MOST_ROWS:
        return None
    heads = {axis: label_of(ends[axis]) for axis in layout.axes}
    columns: Columns = {label_of(array): _mean(str(name)) for name, array in ends.items()}
    many = ends.sizes.get(layout.over, 1) > 1
    note = f"Means over {layout.over}s, with 95% intervals in brackets." if many else ""
    table = grid(ends, heads, columns, title="Quantities at the end of the runs", note=note)
    rows = tuple(tuple(cell.replace(" [no interval]", "") for cell in row) for row in table.rows)
    return Table(table.title, table.columns, rows, table.note)


def _mean(name: str) -> Column:
    """Column of means whose intervals keep to the range of the quantity."""

    def cell(part: xr.Dataset) -> Estimate:
        (low, high), found = range_of(part[name]), estimate(part[name])
        return replace(found, low=max(found.low, low), high=min(found.high, high))

    return cell
